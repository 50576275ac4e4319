// What wsk, OpenWhisk's command line, says to a server: this program makes its requests, and takes the answers as it
// does. It is not wsk, and has no code of it. A step bears the command whose requests it makes.
//
//	clients_wsk hello.py code.zip native.zip
//
// The server and the key are the environment's API_HOST and API_KEY; API_PLAIN is its address for plain HTTP. Each
// step prints one line of JSON: {"step", "saw"}, or {"step", "failed"} with a sentence. The exit status is 1 where one
// failed.
package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

type session struct {
	host
	lines  *json.Encoder
	failed bool
	source string // of hello.py
	zipped string // code.zip in base64
	native string // native.zip in base64
}

type line struct {
	Step   string `json:"step"`
	Saw    any    `json:"saw,omitempty"`
	Failed string `json:"failed,omitempty"`
}

// step goes on after a failure: what fails later names its own cause.
func (s *session) step(command string, run func() (any, error)) {
	told := line{Step: command}
	saw, err := run()
	if err != nil {
		told.Failed = err.Error()
		s.failed = true
	} else {
		told.Saw = saw
	}
	if err := s.lines.Encode(told); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func contentOf(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return string(content)
}

func inBase64(path string) string {
	return base64.StdEncoding.EncodeToString([]byte(contentOf(path)))
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: clients_wsk hello.py code.zip native.zip")
		os.Exit(2)
	}
	s := session{
		host:   newHost(os.Getenv("API_HOST"), os.Getenv("API_KEY"), http.DefaultClient),
		lines:  json.NewEncoder(os.Stdout),
		source: contentOf(os.Args[1]),
		zipped: inBase64(os.Args[2]),
		native: inBase64(os.Args[3]),
	}
	s.properties()
	s.makeActions()
	s.readActions()
	s.invokeActions()
	s.updateActions()
	s.activations()
	s.packages()
	s.triggersAndRules()
	s.feed()
	s.deletePackages()
	s.deleteActions()
	if s.failed {
		os.Exit(1)
	}
}

func (s *session) properties() {
	namespaces := func(h host) (any, error) {
		var names []string
		_, err := h.send("GET", "/namespaces", nil, &names)
		return names, err
	}
	s.step("namespace list", func() (any, error) { return namespaces(s.host) })
	s.step("namespace list --insecure", func() (any, error) {
		// Without HTTP/2, which a transport with a configuration of its own for TLS does not offer.
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		return namespaces(newHost(os.Getenv("API_HOST"), s.key, &http.Client{Transport: transport}))
	})
	s.step("namespace list --apihost http://…", func() (any, error) {
		return namespaces(newHost(os.Getenv("API_PLAIN"), s.key, http.DefaultClient))
	})
	s.step("namespace list --auth not:known", func() (any, error) {
		stranger := newHost(os.Getenv("API_HOST"), "not:known", http.DefaultClient)
		took, err := stranger.send("GET", "/namespaces", nil, &[]string{})
		if err == nil && took.Verdict != refused {
			err = fmt.Errorf("a key that nobody has was %s, status %d", took.Verdict, took.Status)
		}
		return took, err
	})
	s.step("property get", func() (any, error) {
		var shown build
		nobody := newHost(os.Getenv("API_HOST"), "", http.DefaultClient)
		if _, err := nobody.send("GET", "", nil, &shown); err != nil {
			return nil, err
		}
		if shown.Build == "" || shown.BuildNo == "" {
			return nil, fmt.Errorf("wsk would print an empty build: %+v", shown)
		}
		return shown, nil
	})
}

// wholeNamespace is `wsk list`, which `wsk namespace get` is, too.
func (s *session) wholeNamespace() {
	s.step("list", func() (any, error) {
		actions, err := get[[]action](s.host, "GET", list("actions", 0, 0), nil)
		if err != nil {
			return nil, err
		}
		packs, err := get[[]packRow](s.host, "GET", list("packages", 0, 0), nil)
		if err != nil {
			return nil, err
		}
		triggers, err := get[[]trigger](s.host, "GET", list("triggers", 0, 0), nil)
		if err != nil {
			return nil, err
		}
		rules, err := s.listRules(0)
		if err != nil {
			return nil, err
		}
		return map[string][]string{"actions": namesOf(actions), "packages": namesOf(packs),
			"triggers": namesOf(triggers), "rules": namesOf(rules)}, nil
	})
}

func namesOf[T interface{ shown() entity }](entities []T) []string {
	names := []string{}
	for _, one := range entities {
		names = append(names, "/"+one.shown().Namespace+"/"+one.shown().Name)
	}
	return names
}
