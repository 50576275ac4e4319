package main

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
)

func called(name string) action {
	return action{entity: entity{Namespace: "_", Name: name}}
}

func (s *session) put(overwrite bool, sent action) (action, error) {
	return get[action](s.host, "PUT", fmt.Sprintf("%s?overwrite=%t", named("actions", sent.Name), overwrite), sent)
}

func (s *session) read(name string, code bool) (action, error) {
	return get[action](s.host, "GET", fmt.Sprintf("%s?code=%t", named("actions", name), code), nil)
}

func number(value int) *int { return &value }

func (s *session) makeActions() {
	hello := called("hello")
	hello.Exec = &executable{Kind: "python:default", Code: &s.source}
	hello.Parameters = pairs{{"greeting", "salut"}}
	hello.Annotations = pairs{{"note", map[string]any{"a": 1}}, {"kept", true}}
	s.step("action create hello hello.py -p greeting salut -a note … -a kept true", func() (any, error) {
		return s.put(false, hello)
	})
	s.step("action create hello, again", func() (any, error) {
		return refusal(s.host, 409, "PUT", named("actions", "hello")+"?overwrite=false", hello)
	})
	s.step("action create zipped code.zip --kind python:3 --main run -t -m -l -c", func() (any, error) {
		zipped := called("zipped")
		zipped.Exec = &executable{Kind: "python:3", Code: &s.zipped, Main: "run"}
		zipped.Limits = &limits{number(10000), number(128), number(1), number(1)}
		return s.put(false, zipped)
	})
	s.step("action create image code.zip --docker team/tools", func() (any, error) {
		image := called("image")
		image.Exec = &executable{Kind: "blackbox", Image: "team/tools", Code: &s.zipped, Main: "run"}
		return s.put(false, image)
	})
	s.step("action create native native.zip --native", func() (any, error) {
		native := called("native")
		native.Exec = &executable{Kind: "blackbox", Image: "openwhisk/dockerskeleton", Code: &s.native}
		return s.put(false, native)
	})
	s.step("action create absent --docker nobody/nothing", func() (any, error) {
		absent := called("absent")
		absent.Exec = &executable{Kind: "blackbox", Image: "nobody/nothing"}
		return refusal(s.host, 400, "PUT", named("actions", "absent")+"?overwrite=false", absent)
	})
	s.step("action create chain --sequence hello,zipped", func() (any, error) {
		chain := called("chain")
		chain.Exec = &executable{Kind: "sequence", Components: []string{"/_/hello", "/_/zipped"}}
		return refusal(s.host, 400, "PUT", named("actions", "chain")+"?overwrite=false", chain)
	})
	s.step("action create twin hello --copy", func() (any, error) { return s.copied("twin", "hello") })
	s.step("action create zippedTwin zipped --copy", func() (any, error) { return s.copied("zippedTwin", "zipped") })
}

func (s *session) copied(name, from string) (any, error) {
	existing, err := s.read(from, true)
	if err != nil {
		return nil, err
	}
	twin := called(name)
	twin.Exec, twin.Parameters, twin.Annotations = existing.Exec, existing.Parameters, existing.Annotations
	return s.put(false, twin)
}

func (s *session) readActions() {
	s.step("action get hello", func() (any, error) { return s.read("hello", false) })
	s.step("action get nobody", func() (any, error) {
		return refusal(s.host, 404, "GET", named("actions", "nobody")+"?code=false", nil)
	})
	s.step("action get hello --url", func() (any, error) {
		shown, err := s.read("hello", false)
		if err != nil {
			return nil, err
		}
		address := strings.TrimPrefix(s.urlOf(shown, ""), s.base)
		var printed object
		took, err := s.send("POST", strings.TrimPrefix(address, "/v1")+"?blocking=true&result=true", nil, &printed)
		if err == nil && took.Verdict != done {
			err = fmt.Errorf("%s cannot be invoked: status %d: %s", address, took.Status, took.Sentence)
		}
		return object{"address": address, "printed": printed}, err
	})
	s.step("action get hello --save", func() (any, error) { return s.saved("hello") })
	s.step("action get zipped --save", func() (any, error) {
		code, err := s.saved("zipped")
		return base64.StdEncoding.EncodeToString([]byte(code)) == s.zipped, err
	})
	s.step("action list", func() (any, error) {
		actions, err := get[[]action](s.host, "GET", list("actions", 30, 0), nil)
		if err != nil {
			return nil, err
		}
		for _, one := range actions {
			if err := checkKind(one); err != nil {
				return nil, err
			}
		}
		return namesOf(actions), nil
	})
	s.step("action list --limit 1 --skip 1", func() (any, error) {
		actions, err := get[[]action](s.host, "GET", list("actions", 1, 1), nil)
		return namesOf(actions), err
	})
	s.step("action list --limit 201", func() (any, error) {
		return refusal(s.host, 400, "GET", list("actions", 201, 0), nil)
	})
}

// wsk ends with a panic where this annotation of a list's entry is no text.
func checkKind(listed action) error {
	for _, annotation := range listed.Annotations {
		if _, isText := annotation.Value.(string); annotation.Key == "exec" && !isText {
			return fmt.Errorf("the annotation exec of %s is %v, and no text", listed.Name, annotation.Value)
		}
	}
	return nil
}

// What `wsk action get --url` prints.
func (s *session) urlOf(shown action, pack string) string {
	namespace := url.PathEscape(strings.Split(shown.Namespace, "/")[0])
	if web, _ := shown.Annotations.find("web-export").(bool); web {
		if pack == "" {
			pack = "default"
		}
		return fmt.Sprintf("%s/v1/web/%s/%s/%s", s.base, namespace, pack, url.PathEscape(shown.Name))
	}
	return fmt.Sprintf("%s/v1/namespaces/%s/actions/%s", s.base, namespace, url.PathEscape(shown.Name))
}

// The file that --save writes. wsk ends with a panic where exec or its member binary is absent.
func (s *session) saved(name string) (string, error) {
	shown, err := s.read(name, true)
	if err != nil {
		return "", err
	}
	if shown.Exec == nil || shown.Exec.Binary == nil || shown.Exec.Code == nil {
		return "", fmt.Errorf("exec of %s lacks code or binary: %+v", name, shown.Exec)
	}
	if !*shown.Exec.Binary {
		return *shown.Exec.Code, nil
	}
	code, err := base64.StdEncoding.DecodeString(*shown.Exec.Code)
	return string(code), err
}

func (s *session) updateActions() {
	update := func(changes action) (any, error) {
		if _, err := s.read(changes.Name, false); err != nil {
			return nil, err
		}
		if _, err := s.put(true, changes); err != nil {
			return nil, err
		}
		return s.read(changes.Name, true)
	}
	s.step("action update hello -p greeting hey", func() (any, error) {
		changes := called("hello")
		changes.Parameters = pairs{{"greeting", "hey"}}
		return update(changes)
	})
	s.step("action update fresh hello.py", func() (any, error) {
		// It is looked for first: only where the answer is a 404 wsk goes on to create it.
		if _, err := refusal(s.host, 404, "GET", named("actions", "fresh")+"?code=false", nil); err != nil {
			return nil, err
		}
		fresh := called("fresh")
		fresh.Exec = &executable{Kind: "python:default", Code: &s.source}
		return s.put(true, fresh)
	})
	s.step("action update hello -a more 1", func() (any, error) {
		changes := called("hello")
		changes.Annotations = pairs{{"more", 1}}
		return update(changes)
	})
	s.step("action update hello --del-annotation note", func() (any, error) {
		changes := called("hello")
		changes.DeleteAnnotations = []string{"note"}
		return update(changes)
	})
	s.step("action update fresh --web true", func() (any, error) {
		existing, err := s.read("fresh", false)
		if err != nil {
			return nil, err
		}
		changes := called("fresh")
		web := pairs{{"web-export", true}, {"raw-http", false}, {"final", true}}
		changes.Annotations = append(existing.Annotations, web...)
		if _, err := s.put(true, changes); err != nil {
			return nil, err
		}
		shown, err := s.read("fresh", false)
		return strings.TrimPrefix(s.urlOf(shown, ""), s.base), err
	})
}

func (s *session) deleteActions() {
	for _, name := range []string{"hello", "zipped", "image", "native", "twin", "zippedTwin", "fresh"} {
		s.step("action delete "+name, func() (any, error) {
			gone, err := get[action](s.host, "DELETE", named("actions", name), nil)
			return gone.Name, err
		})
	}
	s.step("action delete hello, again", func() (any, error) {
		return refusal(s.host, 404, "DELETE", named("actions", "hello"), nil)
	})
}
