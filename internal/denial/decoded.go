package denial

// WithDecoded returns the message with the facts of the JSON text that AWS returns for the encoded
// message. What the error text already states stays. ok is false if the JSON text has another form.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
func (m Message) WithDecoded(text string) (_ Message, ok bool) {
	decoded := Read(text)
	if decoded.Kind != Denied || decoded.facts() == 0 {
		return m, false
	}
	for _, pair := range []struct {
		to   *Fact
		from Fact
	}{
		{&m.Principal, decoded.Principal}, {&m.Target, decoded.Target}, {&m.Action, decoded.Action},
		{&m.Operation, decoded.Operation}, {&m.Resource, decoded.Resource},
		{&m.Statement, decoded.Statement}, {&m.Account, decoded.Account}, {&m.Region, decoded.Region},
	} {
		if !pair.to.Known() {
			*pair.to = pair.from
		}
	}
	if m.Deny == "" {
		m.Deny = decoded.Deny
	}
	m.Kind, m.Decoded = Denied, true
	return m, true
}
