package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

type object = map[string]any

// An invocation's answer as wsk prints it, and how it takes it.
type invoked struct {
	answer
	Printed object `json:"printed"`
}

func (h host) invoke(name string, blocking, bare bool, params any, more string) (invoked, error) {
	var printed object
	route := fmt.Sprintf("%s?blocking=%t&result=%t%s", named("actions", name), blocking, bare, more)
	took, err := h.own("POST", route, params, &printed)
	if err == nil && took.Verdict == done && took.Status == http.StatusAccepted && blocking {
		took.Verdict = unfinished
	}
	if err == nil && !bare && took.Verdict != refused {
		if id, _ := printed["activationId"].(string); id == "" {
			err = fmt.Errorf("wsk would print no activation id of %v", printed)
		}
	}
	return invoked{took, printed}, err
}

func (s *session) invokeActions() {
	invocation := func(command, name string, blocking, bare bool, params any) {
		s.step("action invoke "+command, func() (any, error) { return s.invoke(name, blocking, bare, params, "") })
	}
	invocation("hello -b -p name wsk", "hello", true, false, object{"name": "wsk"})
	invocation("hello -r -p name wsk", "hello", true, true, object{"name": "wsk"})
	invocation("hello -r", "hello", true, true, object{})
	invocation("hello -r, with a body of null", "hello", true, true, object(nil)) // as older releases say nothing
	invocation("hello -b -p fail true", "hello", true, false, object{"fail": true})
	invocation("hello -r -p fail true", "hello", true, true, object{"fail": true})
	invocation("hello -b -p raise true", "hello", true, false, object{"raise": true})
	invocation("hello -r -p raise true", "hello", true, true, object{"raise": true})
	invocation("hello -r -p response …", "hello", true, true, object{"whole": object{"response": object{"a": 1}}})
	invocation("zipped -r", "zipped", true, true, object{})
	invocation("image -r", "image", true, true, object{})
	invocation("native -r", "native", true, true, object{})
	invocation("twin -r", "twin", true, true, object{})
	invocation("zippedTwin -r", "zippedTwin", true, true, object{})
	s.step("action invoke nobody", func() (any, error) {
		return refusal(s.host, 404, "POST", named("actions", "nobody")+"?blocking=false&result=false", object{})
	})
	s.step("action invoke /guest/hello -r", func() (any, error) {
		return s.in("guest").invoke("hello", true, true, object{}, "")
	})
	s.step("action invoke /other/hello -r", func() (any, error) {
		return refusal(s.in("other"), 403, "POST", named("actions", "hello")+"?blocking=true&result=true", object{})
	})
	s.step("action invoke hello -b, not finished in time", func() (any, error) {
		// wsk has no such parameter, and waits for as long as the server does.
		took, err := s.invoke("hello", true, false, object{"seconds": 0.3}, "&timeout=50")
		if err == nil && took.Verdict == unfinished {
			_, err = s.ended(fmt.Sprint(took.Printed["activationId"]))
		}
		return took, err
	})
}

// ended is an activation's record, once it is there; wsk's users try again as this does.
func (s *session) ended(id string) (activation, error) {
	deadline := time.Now().Add(20 * time.Second)
	for {
		var record activation
		took, err := s.own("GET", "activations/"+id, nil, &record)
		if err != nil || took.Verdict == done {
			return record, err
		}
		if took.Status != http.StatusNotFound || time.Now().After(deadline) {
			return record, fmt.Errorf("activation %s: %s, status %d: %s", id, took.Verdict, took.Status, took.Sentence)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *session) activationsOf(route string) ([]activation, error) {
	records, err := get[[]activation](s.host, "GET", route, nil)
	for _, record := range records {
		if err == nil {
			err = checkRow(record)
		}
	}
	return records, err
}

// What a row of `wsk activation list` is made of. An annotation kind that is no text ends wsk with a panic.
func checkRow(record activation) error {
	if kind := record.Annotations.find("kind"); kind != nil {
		if _, isText := kind.(string); !isText {
			return fmt.Errorf("the annotation kind of %s is %v, and no text", record.ActivationID, kind)
		}
	}
	if record.Namespace == "" || record.Name == "" || record.Version == "" || record.ActivationID == "" ||
		record.Start == 0 || record.End < record.Start || record.Duration != record.End-record.Start {
		return fmt.Errorf("a row of wsk would be nonsense: %+v", record)
	}
	return nil
}

func idsOf(records []activation) []string {
	ids := []string{}
	for _, record := range records {
		ids = append(ids, record.ActivationID)
	}
	return ids
}

// Where --strip finds a line's time and stream.
var stamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z +(stdout|stderr):\s`)

func (s *session) activations() {
	started, err := s.invoke("hello", false, false, object{"name": "later"}, "")
	id := fmt.Sprint(started.Printed["activationId"])
	s.step("action invoke hello -p name later", func() (any, error) { return started, err })
	var record activation
	s.step("activation get ID", func() (any, error) {
		record, err = s.ended(id)
		if err == nil {
			err = checkRow(record)
		}
		return record, err
	})
	s.step("activation get 00000000000000000000000000000000", func() (any, error) {
		return refusal(s.host, 404, "GET", "activations/"+strings.Repeat("0", 32), nil)
	})
	s.step("activation logs ID --strip", func() (any, error) {
		shown, err := get[activation](s.host, "GET", "activations/"+id+"/logs", nil)
		if err != nil {
			return nil, err
		}
		stripped := []string{}
		for _, text := range shown.Logs {
			if !stamp.MatchString(text) {
				return nil, fmt.Errorf("wsk finds no time in %q", text)
			}
			stripped = append(stripped, stamp.ReplaceAllString(text, ""))
		}
		return stripped, nil
	})
	s.step("activation result ID", func() (any, error) {
		return get[response](s.host, "GET", "activations/"+id+"/result", nil)
	})
	start := fmt.Sprint(record.Start)
	page := func(command, route string) {
		s.step("activation "+command, func() (any, error) {
			records, err := s.activationsOf(route)
			return idsOf(records), err
		})
	}
	page("list", list("activations", 30, 0))
	page("list hello --limit 1", list("activations", 1, 0, "name", "hello"))
	page("list hello --limit 1 --skip 1", list("activations", 1, 1, "name", "hello"))
	page("list nobody", list("activations", 30, 0, "name", "nobody"))
	page("list --since START", list("activations", 30, 0, "since", start))
	page("list --since START --upto START", list("activations", 30, 0, "since", start, "upto", start))
	page("list --upto 1", list("activations", 30, 0, "upto", "1"))
	page("get --last", list("activations", 1, 0))
	s.step("activation list hello --full --limit 1", func() (any, error) {
		return s.activationsOf(list("activations", 1, 0, "name", "hello", "docs", "true"))
	})
	s.step("activation list hello, with its statuses", func() (any, error) {
		records, err := s.activationsOf(list("activations", 30, 0, "name", "hello"))
		statuses := map[int]bool{}
		for _, one := range records {
			statuses[one.StatusCode] = true
		}
		return statuses, err
	})
	s.step("activation poll hello", func() (any, error) { return s.poll("hello") })
}

// poll begins behind the last activation, and tells of those that came since.
func (s *session) poll(name string) (any, error) {
	last, err := s.activationsOf(list("activations", 1, 0, "docs", "true"))
	if err != nil {
		return nil, err
	}
	if len(last) != 1 {
		return nil, fmt.Errorf("the last activation is %d", len(last))
	}
	since := fmt.Sprint(last[0].Start + 1)
	time.Sleep(2 * time.Millisecond) // so that the next one's start is another
	if _, err := s.invoke(name, true, false, object{"name": "poll"}, ""); err != nil {
		return nil, err
	}
	records, err := s.activationsOf(list("activations", 0, 0, "name", name, "since", since, "docs", "true"))
	logs := [][]string{}
	for _, record := range records {
		logs = append(logs, record.Logs)
	}
	return logs, err
}
