package api_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"hubbub/internal/api"
	"hubbub/internal/chat"
	"hubbub/internal/server"
)

// contract is the document, checked.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	for _, kind := range []string{"image/png", "image/jpeg", "image/gif", "audio/ogg", "audio/webm", "audio/mpeg", "video/mp4", "multipart/byteranges", "application/x-ndjson"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	return doc, cmp.Or(err, errOf(doc))
})

func errOf(doc *openapi3.T) error {
	if doc == nil {
		return nil
	}
	return doc.Validate(openapi3.NewLoader().Context)
}

// match is what a request asks for, and the values in its address.
type match struct {
	*routers.Route
	values map[string]string
}

// router finds it as the server does, by the same patterns.
var router = sync.OnceValue(func() *http.ServeMux {
	mux := http.NewServeMux()
	doc, _ := contract()
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			route := &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}
			mux.HandleFunc(method+" "+path, func(_ http.ResponseWriter, r *http.Request) {
				m := r.Context().Value(matchKey{}).(*match)
				m.Route, m.values = route, make(map[string]string)
				for _, name := range parameter.FindAllStringSubmatch(path, -1) {
					m.values[name[1]] = r.PathValue(name[1])
				}
			})
		}
	}
	return mux
})

type matchKey struct{}

func matching(req *http.Request) (m match) {
	router().ServeHTTP(httptest.NewRecorder(), req.WithContext(context.WithValue(req.Context(), matchKey{}, &m)))
	return m
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// holds checks an answer against the contract, and the request too if it was a good
// one: tests send bad ones on purpose.
func (r *running) holds(req *http.Request, sent string, resp *http.Response, answer []byte) {
	r.t.Helper()
	if !strings.HasPrefix(req.URL.Path, "/api/") {
		return
	}
	if _, err := contract(); err != nil {
		r.t.Fatal(err)
	}
	// The address alone: the router would look at the Host, and redirect.
	asked := httptest.NewRequest(req.Method, req.URL.RequestURI(), strings.NewReader(sent))
	asked.Header = req.Header.Clone()
	if asked.Header.Get("Content-Type") == "" { // the server does not look at it
		asked.Header.Set("Content-Type", "application/json")
		if strings.HasSuffix(req.URL.Path, "/picture") || strings.HasPrefix(req.URL.Path, "/api/uploads") {
			asked.Header.Set("Content-Type", "application/octet-stream")
		}
	}
	m := matching(asked)
	if m.Route == nil {
		if resp.StatusCode < 300 {
			r.t.Errorf("%s %s is not in the contract, and was answered by %d", req.Method, req.URL.Path, resp.StatusCode)
		}
		return
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, AuthenticationFunc: identified,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
	}
	in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: m.values, Route: m.Route, Options: options}
	if resp.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(r.t.Context(), in); err != nil {
			r.t.Errorf("%s was good, and is not as the contract says: %v\n%.500s", m.Operation.OperationID, err, sent)
		}
	}
	err := openapi3filter.ValidateResponse(r.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(answer)), Options: options,
	})
	if err != nil {
		r.t.Errorf("%s answered %d, which is not as the contract says: %v\n%.500s", m.Operation.OperationID, resp.StatusCode, err, answer)
	}
}

// identified says whether a request brings what a kind of security wants.
func identified(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	switch s, r := in.SecurityScheme, in.RequestValidationInput.Request; s.Type {
	case "http":
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			return nil
		}
	case "apiKey":
		if _, err := r.Cookie(s.Name); err == nil {
			return nil
		}
	}
	return errors.New("it brings no identity")
}

func TestContract(t *testing.T) {
	if _, err := contract(); err != nil {
		t.Fatal(err)
	}
	r := serve(t)
	resp, body := r.do("GET", "/api/openapi.yaml", "")
	if resp.StatusCode != 200 || body != string(api.Contract) || resp.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if again, _ := r.do("GET", "/api/openapi.yaml", "", "If-None-Match: "+resp.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("asked again: %d", again.StatusCode)
	}
}

// Neither the contract nor the router can forget a route.
func TestContractHasEveryRoute(t *testing.T) {
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, pattern := range api.Routes() {
		if strings.Contains(pattern, " ") {
			want = append(want, pattern)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			got = append(got, method+" "+path)
		}
	}
	for _, pattern := range want {
		if !slices.Contains(got, pattern) {
			t.Errorf("the contract has no %s", pattern)
		}
	}
	for _, pattern := range got {
		if !slices.Contains(want, pattern) {
			t.Errorf("the server has no %s", pattern)
		}
	}
}

// codes are those of internal/chat/error.go, as the source has them.
func codes(t *testing.T) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../chat/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 && strings.HasPrefix(v.Names[0].Name, "Code") {
			code, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, code)
		}
		return true
	})
	return all
}

// The contract has all codes, and each under the status that the server gives it.
func TestContractHasEveryCode(t *testing.T) {
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, code := range doc.Components.Schemas["Code"].Value.Enum {
		listed = append(listed, code.(string))
	}
	want := codes(t)
	slices.Sort(want)
	slices.Sort(listed)
	if !slices.Equal(listed, want) {
		t.Errorf("the contract has %s,\nthe server %s", listed, want)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, answer := range op.Responses.Map() {
				for _, code := range codesOf(answer.Value) {
					if got := strconv.Itoa(api.StatusOf(chat.Code(code))); status != "default" && got != status {
						t.Errorf("%s %s: %s is %s, not %s", method, path, code, got, status)
					}
				}
			}
		}
	}
}

// codesOf lists the codes that an answer may have.
func codesOf(r *openapi3.Response) (all []string) {
	media := r.Content.Get("application/json")
	if media == nil {
		return nil
	}
	for _, part := range media.Schema.Value.AllOf {
		if e := part.Value.Properties["error"]; e != nil && e.Value.Properties["code"] != nil {
			for _, code := range e.Value.Properties["code"].Value.Enum {
				if s, ok := code.(string); ok && part.Ref == "" {
					all = append(all, s)
				}
			}
		}
	}
	return all
}

// eachRoute calls f for each operation of the contract, with an address of it: that of
// a room, where it is about one, or of nothing.
func eachRoute(t *testing.T, room string, f func(method, path string, op *openapi3.Operation)) {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		path = strings.Replace(path, "/api/rooms/{id}", "/api/rooms/"+room, 1)
		path = strings.NewReplacer("/api/me/rooms/{id}", "/api/me/rooms/"+room, "/api/me/drafts/{id}", "/api/me/drafts/"+room).Replace(path)
		path = parameter.ReplaceAllString(strings.Replace(path, "{seq}", "1", 1), "nothing")
		for method, op := range item.Operations() {
			if method != http.MethodHead { // it has no body that says why
				f(method, path, op)
			}
		}
	}
}

// What the contract gives to everybody asks for no identity, and the rest does.
func TestContractSaysWhoMayAsk(t *testing.T) {
	r := serve(t, func(c *server.Config) { c.NoLimits = true })
	eachRoute(t, "nothing", func(method, path string, op *openapi3.Operation) {
		public := op.Security != nil && slices.ContainsFunc(append(*op.Security, nil), func(s openapi3.SecurityRequirement) bool { return len(s) == 0 })
		_, body := r.do(method, path, "{}")
		if refused := errorCode(body) == "unauthorized"; refused == public {
			t.Errorf("%s %s for nobody: %.200s", method, path, body)
		}
	})
}

// What the contract says of bots is what their tokens are asked for.
func TestContractSaysWhatBotsMay(t *testing.T) {
	r := serve(t, func(c *server.Config) { c.NoLimits = true })
	owner := r.owner()
	var made struct {
		Bot  struct{ ID string }
		Room struct{ ID string }
	}
	r.ask("POST", "/api/bots", map[string]string{"name": "build-bot"}, &made, owner)
	r.ask("POST", "/api/rooms", map[string]string{"name": "kitchen"}, &made, owner)
	token := func(scopes ...string) string {
		var given struct{ Secret string }
		r.ask("POST", "/api/bots/"+made.Bot.ID+"/tokens", map[string]any{"label": "x", "scopes": scopes}, &given, owner)
		return "Authorization: Bearer " + given.Secret
	}
	all := []string{"read", "write", "rooms", "moderate"}
	everything := token(all...)
	but := make(map[string]string) // tokens for all but one
	for i, scope := range all {
		but[scope] = token(slices.Delete(slices.Clone(all), i, i+1)...)
	}
	eachRoute(t, made.Room.ID, func(method, path string, op *openapi3.Operation) {
		refused := func(token, why string) bool {
			resp, body := r.do(method, path, "{}", token)
			return resp.StatusCode == http.StatusForbidden && strings.Contains(body, why)
		}
		need := strings.Fields(op.Extensions["x-bot"].(string))
		if got := refused(everything, "not for bots"); got != slices.Contains(need, "none") {
			t.Errorf("%s %s: bots are refused: %v", method, path, got)
		}
		if slices.Contains(need, "none") {
			return
		}
		for _, scope := range all {
			if got := refused(but[scope], "this token is not for that"); got != slices.Contains(need, scope) {
				t.Errorf("%s %s without %s is refused: %v", method, path, scope, got)
			}
		}
	})
}
