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
)

// contract is the document, checked.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	for _, kind := range []string{"image/png", "image/jpeg"} {
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

// operation finds what a request asks for as the server does, by the same patterns.
func operation(doc *openapi3.T, req *http.Request) (found *routers.Route, values map[string]string) {
	mux := http.NewServeMux()
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			mux.HandleFunc(method+" "+path, func(_ http.ResponseWriter, r *http.Request) {
				found = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}
				values = make(map[string]string)
				for _, name := range parameter.FindAllStringSubmatch(path, -1) {
					values[name[1]] = r.PathValue(name[1])
				}
			})
		}
	}
	mux.ServeHTTP(httptest.NewRecorder(), req)
	return found, values
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// holds checks an answer against the contract, and the request too if it was a good
// one: tests send bad ones on purpose.
func (r *running) holds(req *http.Request, sent string, resp *http.Response, answer []byte) {
	r.t.Helper()
	if !strings.HasPrefix(req.URL.Path, "/api/") {
		return
	}
	doc, err := contract()
	if err != nil {
		r.t.Fatal(err)
	}
	// The address alone: the router would look at the Host, and redirect.
	asked := httptest.NewRequest(req.Method, req.URL.RequestURI(), strings.NewReader(sent))
	asked.Header = req.Header.Clone()
	if asked.Header.Get("Content-Type") == "" { // the server does not look at it
		asked.Header.Set("Content-Type", "application/json")
		if strings.HasSuffix(req.URL.Path, "/picture") {
			asked.Header.Set("Content-Type", "application/octet-stream")
		}
	}
	route, values := operation(doc, asked)
	if route == nil {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
			r.t.Errorf("%s %s is not in the contract, and was answered by %d", req.Method, req.URL.Path, resp.StatusCode)
		}
		return
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, AuthenticationFunc: identified,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
	}
	in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: values, Route: route, Options: options}
	if resp.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(r.t.Context(), in); err != nil {
			r.t.Errorf("%s was good, and is not as the contract says: %v\n%.500s", route.Operation.OperationID, err, sent)
		}
	}
	err = openapi3filter.ValidateResponse(r.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(answer)), Options: options,
	})
	if err != nil {
		r.t.Errorf("%s answered %d, which is not as the contract says: %v\n%.500s", route.Operation.OperationID, resp.StatusCode, err, answer)
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
