import { expect, it } from 'vitest';
import { maskHead, maskRecord, maskText } from './wiremask.ts';

it('hides what a head has to hide, and nothing else', () => {
  const head = [
    'GET /rooms/lobby?wire=abc&invite=hbi_1&name=Ines&token=hbt_2 HTTP/1.1',
    'Host: localhost:3000',
    'cookie: hubbub_session=hbs_3; other=1',
    'Authorization: Bearer hbt_4',
    'Proxy-Authorization:Basic hbx_5',
    'Referer: http://localhost:3000/join?invite=hbi_6',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    '',
  ].join('\r\n');
  const shown = maskHead(head);
  expect(shown).not.toMatch(/hb._|abc/);
  expect(shown).toContain('GET /rooms/lobby?wire=•••&invite=•••&name=Ines&token=••• HTTP/1.1\r\n');
  expect(shown).toContain('\r\ncookie: •••\r\n');
  expect(shown).toContain('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n');
});

it('hides the token of a hello, however it is written', () => {
  for (const text of [
    '{"hello":{"token":"hbt_\\"3"}}',
    ' { "hello" : { "token" : "hbt_3" , "x": 1 } }',
    '{"hello":{"token":"hbt_3',
    '{"hello":{"token":hbt_3}}',
  ]) {
    expect(maskText(text), text).not.toContain('hbt_');
    expect(maskText(text), text).toContain('•••');
  }
  const send = '{"send":{"text":"\\"token\\": \\"mine\\""}}';
  expect(maskText(send)).toBe(send);
});

it('hides them in reports', () => {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: hubbub_session=hbs_1\r\n\r\n';
  const shake = {
    conn: 1,
    at: 1,
    dialect: '',
    request: head,
    response: head,
    exact: true,
    remote: '',
  };
  const frame = {
    conn: 1,
    at: 1,
    from: 'client' as const,
    n: 1,
    fin: true,
    rsv1: false,
    opcode: 1,
    head: '',
    length: 1,
  };
  const shown = [
    maskRecord({ kind: 'handshake', ...shake }),
    maskRecord({ kind: 'frame', ...frame, text: '{"hello":{"token":"hbt_2"}}' }),
  ];
  expect(JSON.stringify(shown)).not.toMatch(/hb._/);
});
