package main

import (
	"fmt"
)

func (s *session) packages() {
	putPack := func(name string, overwrite bool, sent any) (pack, error) {
		return get[pack](s.host, "PUT", fmt.Sprintf("%s?overwrite=%t", named("packages", name), overwrite), sent)
	}
	kit := pack{entity: entity{Namespace: "_", Name: "kit", Parameters: pairs{{"greeting", "hey"}}}}
	shared := true
	s.step("package create kit -p greeting hey", func() (any, error) { return putPack("kit", false, kit) })
	s.step("package create kit, again", func() (any, error) {
		return refusal(s.host, 409, "PUT", named("packages", "kit")+"?overwrite=false", kit)
	})
	s.step("package update kit --shared yes", func() (any, error) {
		return putPack("kit", true, pack{entity: entity{Namespace: "_", Name: "kit", Publish: &shared}})
	})
	s.step("action create kit/in side", func() (any, error) {
		inside := called("kit/in side")
		inside.Exec = &executable{Kind: "python:default", Code: &s.source}
		return s.put(false, inside)
	})
	s.step("package bind kit bound -p name binding", func() (any, error) {
		return putPack("bound", false, binding{bound{"_", "kit"}, nil, pairs{{"name", "binding"}}})
	})
	s.step("package get kit", func() (any, error) { return get[pack](s.host, "GET", named("packages", "kit"), nil) })
	s.step("package get /guest/bound", func() (any, error) {
		return get[pack](s.in("guest"), "GET", named("packages", "bound"), nil)
	})
	s.step("package list", func() (any, error) {
		packs, err := get[[]packRow](s.host, "GET", list("packages", 30, 0), nil)
		return namesOf(packs), err
	})
	s.step("action list /guest/kit", func() (any, error) {
		actions, err := get[[]action](s.in("guest"), "GET", list(named("actions", "kit")+"/", 30, 0), nil)
		return namesOf(actions), err
	})
	s.step("action invoke kit/in side -r", func() (any, error) {
		return s.invoke("kit/in side", true, true, object{}, "")
	})
	s.step("action invoke bound/in side -r", func() (any, error) {
		return s.invoke("bound/in side", true, true, object{}, "")
	})
	s.step("activation list kit/in side", func() (any, error) {
		records, err := s.activationsOf(list("activations", 30, 0, "name", "kit/in side"))
		return len(records), err
	})
	s.step("package refresh", func() (any, error) { return refusal(s.host, 405, "POST", "packages/refresh", nil) })
}

func (s *session) deletePackages() {
	s.step("package delete kit, with an action", func() (any, error) {
		return refusal(s.host, 409, "DELETE", named("packages", "kit"), nil)
	})
	s.step("package delete bound, kit", func() (any, error) {
		routes := []string{named("packages", "bound"), named("actions", "kit/in side"), named("packages", "kit")}
		for _, route := range routes {
			if _, err := get[any](s.host, "DELETE", route, nil); err != nil {
				return nil, err
			}
		}
		return "deleted", nil
	})
	s.step("package get kit, which is gone", func() (any, error) {
		return refusal(s.host, 404, "GET", named("packages", "kit"), nil)
	})
}

func (s *session) putTrigger(overwrite bool, sent trigger) (trigger, error) {
	return get[trigger](s.host, "PUT", fmt.Sprintf("%s?overwrite=%t", named("triggers", sent.Name), overwrite), sent)
}

func (s *session) fire(name string, params any) (any, error) {
	var fired trigger
	took, err := s.own("POST", named("triggers", name), params, &fired)
	if err == nil && took.Verdict != done {
		err = fmt.Errorf("trigger %s was %s: %s", name, took.Verdict, took.Sentence)
	}
	if err == nil && took.Status != 204 && fired.ActivationID == "" {
		err = fmt.Errorf("wsk would print no activation id: %+v", fired)
	}
	return map[string]any{"status": took.Status, "activationId": fired.ActivationID}, err
}

func (s *session) rule(name string) (rule, error) {
	return get[rule](s.host, "GET", named("rules", name), nil)
}

// listRules asks for each one's status, too: OpenWhisk's lists are without.
func (s *session) listRules(limit int) ([]rule, error) {
	rules, err := get[[]rule](s.host, "GET", list("rules", limit, 0), nil)
	for i := range rules {
		if err == nil {
			rules[i], err = s.rule(rules[i].Name)
		}
	}
	return rules, err
}

func (s *session) triggersAndRules() {
	bell := trigger{entity: entity{Name: "bell"}}
	s.step("trigger create bell", func() (any, error) { return s.putTrigger(false, bell) })
	s.step("trigger create bell, again", func() (any, error) {
		return refusal(s.host, 409, "PUT", named("triggers", "bell")+"?overwrite=false", bell)
	})
	s.step("trigger update bell -p name bell -a note x", func() (any, error) {
		if _, err := get[trigger](s.host, "GET", named("triggers", "bell"), nil); err != nil {
			return nil, err
		}
		changes := trigger{entity: entity{Name: "bell"}}
		changes.Parameters, changes.Annotations = pairs{{"name", "bell"}}, pairs{{"note", "x"}}
		return s.putTrigger(true, changes)
	})
	s.step("trigger get nobody", func() (any, error) {
		return refusal(s.host, 404, "GET", named("triggers", "nobody"), nil)
	})
	s.step("trigger fire bell, without a rule", func() (any, error) { return s.fire("bell", object{}) })

	onBell := rule{entity: entity{Name: "on-bell"}, Trigger: "/_/bell", Action: "/_/hello"}
	s.step("rule create on-bell bell hello", func() (any, error) {
		return get[rule](s.host, "PUT", named("rules", "on-bell")+"?overwrite=false", onBell)
	})
	s.step("rule update on-bell bell hello", func() (any, error) {
		return get[rule](s.host, "PUT", named("rules", "on-bell")+"?overwrite=true", onBell)
	})
	setState := func(state string) (any, error) {
		if _, err := get[rule](s.host, "POST", named("rules", "on-bell"), rule{Status: state}); err != nil {
			return nil, err
		}
		now, err := s.rule("on-bell")
		return now.Status, err
	}
	s.step("rule disable on-bell; rule status on-bell", func() (any, error) { return setState("inactive") })
	s.step("rule enable on-bell; rule status on-bell", func() (any, error) { return setState("active") })
	s.step("rule get on-bell", func() (any, error) { return s.rule("on-bell") })
	s.step("rule list", func() (any, error) { return s.listRules(30) })
	s.wholeNamespace()
	s.step("rule create none bell nobody", func() (any, error) {
		none := rule{entity: entity{Name: "none"}, Trigger: "/_/bell", Action: "/_/nobody"}
		return refusal(s.host, 400, "PUT", named("rules", "none")+"?overwrite=false", none)
	})
	s.step("trigger fire bell -p greeting hey", func() (any, error) { return s.fire("bell", object{"greeting": "hey"}) })
	s.step("trigger fire bell", func() (any, error) { return s.fire("bell", object{}) })
	s.step("trigger fire bell, with a body of null", func() (any, error) { return s.fire("bell", object(nil)) })
	s.step("activation get --last bell", func() (any, error) {
		records, err := s.activationsOf(list("activations", 1, 0, "name", "bell"))
		if err == nil && len(records) != 1 {
			err = fmt.Errorf("the trigger's last activation is %d", len(records))
		}
		if err != nil {
			return nil, err
		}
		return s.ended(records[0].ActivationID)
	})
	s.step("trigger get bell", func() (any, error) { return get[trigger](s.host, "GET", named("triggers", "bell"), nil) })
	s.step("trigger list", func() (any, error) {
		triggers, err := get[[]trigger](s.host, "GET", list("triggers", 30, 0), nil)
		return namesOf(triggers), err
	})
	s.step("rule delete on-bell --disable", func() (any, error) {
		if _, err := setState("inactive"); err != nil {
			return nil, err
		}
		return s.own("DELETE", named("rules", "on-bell"), nil, nil)
	})
	s.step("rule get on-bell, which is gone", func() (any, error) {
		return refusal(s.host, 404, "GET", named("rules", "on-bell"), nil)
	})
	s.step("trigger delete bell", func() (any, error) {
		return get[trigger](s.host, "DELETE", named("triggers", "bell"), nil)
	})
}

// A feed is an action, which wsk invokes when a trigger with its name as an annotation comes, is asked for, and goes.
func (s *session) feed() {
	tell := func(event string) (invoked, error) {
		params := object{"whole": object{"lifecycleEvent": event, "triggerName": "/_/fed"}}
		return s.invoke("hello", true, false, params, "")
	}
	s.step("trigger create fed --feed hello", func() (any, error) {
		fed := trigger{entity: entity{Name: "fed", Annotations: pairs{{"feed", "/_/hello"}}}}
		if _, err := s.putTrigger(false, fed); err != nil {
			return nil, err
		}
		return tell("CREATE")
	})
	s.step("trigger delete fed", func() (any, error) {
		shown, err := get[trigger](s.host, "GET", named("triggers", "fed"), nil)
		if err != nil {
			return nil, err
		}
		if shown.Annotations.find("feed") != "/_/hello" {
			return nil, fmt.Errorf("the annotation feed is %v", shown.Annotations.find("feed"))
		}
		if _, err := tell("DELETE"); err != nil {
			return nil, err
		}
		return get[trigger](s.host, "DELETE", named("triggers", "fed"), nil)
	})
}
