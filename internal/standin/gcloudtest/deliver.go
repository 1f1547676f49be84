package gcloudtest

// Invocation is a message on its way to a function.
type Invocation struct {
	Function  string // its name without project and region
	Region    string
	Message   Message
	Variables map[string]string // the function's environment variables
	Secrets   map[string]string // the contents of the mounted secrets, by file name
}

// deliver is what a push subscription does. Without the right to invoke the
// service the message does not arrive, and the service's log says so.
func (s *Server) deliver(m Message, subscription string) {
	var function *resource
	for _, t := range s.stored[triggers] {
		if text(t.fields, "transport", "pubsub", "subscription") == subscription {
			function = s.stored[functions][text(t.fields, "destination", "cloudFunction")]
		}
	}
	if function == nil {
		return
	}
	config, _ := function.fields["serviceConfig"].(object)
	service := s.stored[runServices][text(config, "service")]
	if service == nil {
		return
	}
	in := Invocation{
		Function: base(text(function.fields, "name")), Region: text(function.fields, "eventTrigger", "triggerRegion"),
		Message: m, Variables: map[string]string{}, Secrets: map[string]string{},
	}
	email := text(s.stored[subscriptions][subscription].fields, "pushConfig", "oidcToken", "serviceAccountEmail")
	if !service.holds("serviceAccount:"+email, "roles/run.invoker", "roles/run.servicesInvoker") &&
		!service.holds("allUsers", "roles/run.invoker") {
		s.log(in.entry(Entry{Severity: "WARNING", Text: "The request was not authenticated. Either allow unauthenticated invocations or set the proper Authorization header."}))
		return
	}
	variables, _ := config["environmentVariables"].(object)
	for key := range variables {
		in.Variables[key] = text(variables, key)
	}
	list, _ := config["secretVolumes"].([]any)
	for _, v := range list {
		volume, _ := v.(object)
		secret := "projects/" + s.project() + "/secrets/" + text(volume, "secret")
		mounted, _ := volume["versions"].([]any)
		for _, v := range mounted {
			file, _ := v.(object)
			c := &call{params: map[string]string{"secret": base(secret), "version": text(file, "version")}}
			if r, err := s.version(c); err == nil && text(r.fields, "state") == "ENABLED" {
				in.Secrets[text(volume, "mountPath")+"/"+text(file, "path")] = string(r.payload)
			}
		}
	}
	if s.Invoke == nil {
		return
	}
	for _, e := range s.Invoke(in) {
		s.log(in.entry(e))
	}
}

// entry fills in what Cloud Run adds to a record.
func (in Invocation) entry(e Entry) Entry {
	if e.Resource == "" {
		e.Resource = "cloud_run_revision"
		e.Labels = map[string]string{"service_name": in.Function, "location": in.Region}
	}
	return e
}
