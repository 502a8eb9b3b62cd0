// The tutorial's server, but for the port, which the command line gives, and the line it prints for each user.
const WebSocket = require("ws");

const wss = new WebSocket.Server({ port: Number(process.argv[2]), host: "127.0.0.1" });

wss.on("connection", (ws) => {
  ws.on("message", (message) => {
    wss.clients.forEach((client) => {
      if (client !== ws && client.readyState === WebSocket.OPEN) {
        client.send(message);
      }
    });
  });
});
