package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
)

// How wsk takes an answer.
type verdict string

const (
	done             verdict = "done"
	unfinished       verdict = "unfinished"        // a blocking invocation's 202
	applicationError verdict = "application error" // a 502 whose body has no code: printed as a result
	refused          verdict = "refused"           // a body with error and code: the sentence is printed
)

type answer struct {
	Verdict  verdict `json:"verdict"`
	Status   int     `json:"status"`
	Sentence string  `json:"sentence,omitempty"`
}

// A server and who asks it. wsk's host is without a scheme where it is HTTPS.
type host struct {
	base      string
	namespace string
	key       string
	client    *http.Client
}

func newHost(apiHost, key string, client *http.Client) host {
	if !strings.HasPrefix(apiHost, "http") {
		apiHost = "https://" + apiHost
	}
	return host{base: apiHost + "/api", namespace: "_", key: key, client: client}
}

// in is the same host, asked about another namespace.
func (h host) in(namespace string) host {
	h.namespace = namespace
	return h
}

// named is the path of an entity, escaped as wsk does it: a package's slash stays.
func named(collection, name string) string {
	return collection + "/" + (&url.URL{Path: name}).String()
}

// list is the path of a page; more is name, value, …
func list(collection string, limit, skip int, more ...string) string {
	values := url.Values{"limit": {fmt.Sprint(limit)}, "skip": {fmt.Sprint(skip)}}
	for i := 0; i < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	return collection + "?" + values.Encode()
}

func (h host) send(method, route string, body, into any) (answer, error) {
	var content io.Reader
	if body != nil { // a map that is nil is not: it is sent as null
		text := new(bytes.Buffer)
		encoder := json.NewEncoder(text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(body); err != nil {
			return answer{}, err
		}
		content = text
	}
	request, err := http.NewRequest(method, h.base+"/v1"+route, content)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if h.key != "" {
		request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(h.key)))
		request.Header.Set("User-Agent", "OpenWhisk-CLI/1.0 (not set) "+runtime.GOOS+" "+runtime.GOARCH)
	}
	received, err := h.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer received.Body.Close()
	text, err := io.ReadAll(received.Body)
	if err != nil {
		return answer{}, err
	}
	took, err := judge(received.StatusCode, text, request.URL.Query().Get("result") == "true", into)
	if err != nil {
		return took, fmt.Errorf("%s %s, status %d: %w; the body is %.300s", method, route, received.StatusCode, err, text)
	}
	return took, nil
}

// own is send below the namespace.
func (h host) own(method, route string, body, into any) (answer, error) {
	return h.send(method, "/namespaces/"+h.namespace+"/"+route, body, into)
}

func judge(status int, text []byte, bare bool, into any) (answer, error) {
	if status < 200 || status > 299 {
		return judgeFailure(status, text, into)
	}
	if into == nil {
		return answer{Verdict: done, Status: status}, nil
	}
	if !bare && !isActivation(into) && failedInside(text) {
		return answer{}, fmt.Errorf("the body has a response without success, which wsk takes for a failure")
	}
	if status == http.StatusNoContent {
		return answer{Verdict: done, Status: status}, nil
	}
	return answer{Verdict: done, Status: status}, decode(text, into)
}

func judgeFailure(status int, text []byte, into any) (answer, error) {
	var told struct {
		Error *any `json:"error"`
		Code  *any `json:"code"`
	}
	if err := decode(text, &told); err != nil {
		return answer{}, fmt.Errorf("wsk would say that the connection failed: %w", err)
	}
	if told.Code == nil && status == http.StatusBadGateway {
		return answer{Verdict: applicationError, Status: status}, decodeApplicationError(text, told.Error, into)
	}
	if told.Code == nil || told.Error == nil {
		return answer{}, fmt.Errorf("wsk would say that the connection failed: the body lacks error or code")
	}
	return answer{Verdict: refused, Status: status, Sentence: fmt.Sprint(*told.Error)}, nil
}

// A record whose response has a status and an object as its result, or with result=true an object with an error.
func decodeApplicationError(text []byte, told *any, into any) error {
	var record struct {
		Response *struct {
			Result  map[string]any `json:"result"`
			Success bool           `json:"success"`
			Status  *any           `json:"status"`
		} `json:"response"`
	}
	if err := decode(text, &record); err != nil {
		return err
	}
	isRecord := record.Response != nil && record.Response.Status != nil
	if isRecord && record.Response.Result == nil {
		return fmt.Errorf("the response has no result")
	}
	if !isRecord && told == nil {
		return fmt.Errorf("it is neither a record nor an error")
	}
	return decode(text, into)
}

func isActivation(into any) bool {
	return strings.Contains(fmt.Sprintf("%T", into), "activation")
}

func failedInside(text []byte) bool {
	var record struct {
		Response *struct {
			Success bool `json:"success"`
		} `json:"response"`
	}
	_ = json.Unmarshal(text, &record) // lists are none
	return record.Response != nil && !record.Response.Success
}

// wsk ignores a body that does not fit, and prints what it has: here it is an error.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("it does not fit %T: %w", into, err)
	}
	return nil
}

// get is what must be answered, in a type of wsk's.
func get[T any](h host, method, route string, body any) (T, error) {
	var into T
	took, err := h.own(method, route, body, &into)
	if err == nil && took.Verdict != done {
		err = fmt.Errorf("%s %s was %s, status %d: %s", method, route, took.Verdict, took.Status, took.Sentence)
	}
	return into, err
}

// refusal is what must be refused, with this status.
func refusal(h host, status int, method, route string, body any) (answer, error) {
	took, err := h.own(method, route, body, nil)
	if err == nil && (took.Verdict != refused || took.Status != status) {
		err = fmt.Errorf("%s %s was %s, status %d, and not refused with %d", method, route, took.Verdict, took.Status, status)
	}
	return took, err
}
