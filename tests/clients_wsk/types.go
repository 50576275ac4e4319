package main

// The JSON that wsk sends and reads. A member's Go type is that of wsk: what does not fit it here does not fit it there.

type pair struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

type pairs []pair

func (list pairs) find(key string) any {
	for _, entry := range list {
		if entry.Key == key {
			return entry.Value
		}
	}
	return nil
}

type entity struct {
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name,omitempty"`
	Version     string `json:"version,omitempty"`
	Annotations pairs  `json:"annotations,omitempty"`
	Parameters  pairs  `json:"parameters,omitempty"`
	Publish     *bool  `json:"publish,omitempty"`
	Updated     int64  `json:"updated,omitempty"`
}

func (e entity) shown() entity { return e }

type limits struct {
	Timeout     *int `json:"timeout,omitempty"`
	Memory      *int `json:"memory,omitempty"`
	Logs        *int `json:"logs,omitempty"`
	Concurrency *int `json:"concurrency,omitempty"`
}

type executable struct {
	Kind       string   `json:"kind,omitempty"`
	Code       *string  `json:"code,omitempty"`
	Image      string   `json:"image,omitempty"`
	Main       string   `json:"main,omitempty"`
	Components []string `json:"components,omitempty"`
	Binary     *bool    `json:"binary,omitempty"`
}

type action struct {
	entity
	Exec              *executable `json:"exec,omitempty"`
	Limits            *limits     `json:"limits,omitempty"`
	DeleteAnnotations []string    `json:"delAnnotations,omitempty"`
	Error             string      `json:"error,omitempty"`
	Code              int         `json:"code,omitempty"`
}

type bound struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

type pack struct {
	entity
	Binding *bound   `json:"binding,omitempty"`
	Actions []action `json:"actions,omitempty"`
	Feeds   []action `json:"feeds,omitempty"`
}

// Of a list. wsk leaves out what does not fit its type: a binding that is false.
type packRow struct {
	entity
	Binding any `json:"binding,omitempty"`
}

// A binding is sent without its name, which the path has.
type binding struct {
	Binding     bound `json:"binding"`
	Annotations pairs `json:"annotations,omitempty"`
	Parameters  pairs `json:"parameters,omitempty"`
}

type trigger struct {
	entity
	ActivationID string         `json:"activationId,omitempty"`
	Limits       *limits        `json:"limits,omitempty"`
	Rules        map[string]any `json:"rules,omitempty"`
}

// Of a rule these three are always sent, as "" and null where there is nothing to say.
type rule struct {
	entity
	Status  string `json:"status"`
	Trigger any    `json:"trigger"`
	Action  any    `json:"action"`
}

type response struct {
	Status     string         `json:"status"`
	StatusCode int            `json:"statusCode"`
	Success    bool           `json:"success"`
	Result     map[string]any `json:"result,omitempty"`
}

type activation struct {
	Namespace    string   `json:"namespace"`
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Subject      string   `json:"subject"`
	ActivationID string   `json:"activationId"`
	Cause        string   `json:"cause,omitempty"`
	Start        int64    `json:"start"`
	End          int64    `json:"end"`
	Duration     int64    `json:"duration"`
	StatusCode   int      `json:"statusCode"`
	Response     response `json:"response"`
	Logs         []string `json:"logs"`
	Annotations  pairs    `json:"annotations"`
	Publish      *bool    `json:"publish,omitempty"`
}

type build struct {
	Build   string `json:"build,omitempty"`
	BuildNo string `json:"buildno,omitempty"`
}
