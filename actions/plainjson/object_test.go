package plainjson_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"sftpgo/actions/plainjson"
)

// members are one of each kind.
type members struct {
	String  string              `json:"string"`
	Opt     string              `json:"opt,omitempty"`
	Int     int64               `json:"int"`
	OptInt  int64               `json:"opt_int,omitempty"`
	Bool    bool                `json:"bool"`
	OptTrue bool                `json:"opt_true,omitempty"`
	Time    time.Time           `json:"time"`
	OptTime time.Time           `json:"opt_time,omitzero"`
	Strings []string            `json:"strings,omitempty"`
	Texts   map[string]string   `json:"texts,omitempty"`
	Lists   map[string][]string `json:"lists,omitempty"`
	Inner   struct{}            `json:"inner"`
	Part    []int               `json:"part"`
	Any     any                 `json:"any"`
}

func (m members) write(to []byte) ([]byte, error) {
	o := plainjson.Begin(to)
	o.String("string", m.String)
	o.OptString("opt", m.Opt)
	o.Int("int", m.Int)
	o.OptInt("opt_int", m.OptInt)
	o.Bool("bool", m.Bool)
	o.OptTrue("opt_true", m.OptTrue)
	o.Time("time", m.Time)
	o.OptTime("opt_time", m.OptTime)
	o.OptStrings("strings", m.Strings)
	o.OptTexts("texts", m.Texts)
	o.OptLists("lists", m.Lists)
	o.Open("inner")
	o.Close()
	o.Part("part", func(to []byte) ([]byte, error) {
		text, err := json.Marshal(m.Part)
		return append(to, text...), err
	})
	o.Value("any", m.Any)
	return o.End()
}

// Objects are what encoding/json makes of them.
func TestObject(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7, time.FixedZone("", -3600))
	odd := "\x00\x1f\x7f\"\\/<>&\b\f\n\r\té\u2028\u2029\xff\xe2\x80😀"
	for _, m := range []members{
		{},
		{
			String: odd, Opt: odd, Int: -1 << 63, OptInt: 1<<63 - 1, Bool: true, OptTrue: true, Time: at, OptTime: at,
			Strings: []string{odd, ""}, Texts: map[string]string{odd: odd, "b": "", "": "x"},
			Lists: map[string][]string{odd: {odd, ""}, "b": nil, "a": {}}, Part: []int{1}, Any: map[string]any{odd: 1.5},
		},
	} {
		want, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.write([]byte("{"))
		if err != nil || string(got) != "{"+string(want) {
			t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
		}
	}
}

// The first failure is told, whatever follows.
func TestObjectFails(t *testing.T) {
	first := errors.New("first")
	o := plainjson.Begin(nil)
	o.Part("part", func([]byte) ([]byte, error) { return nil, first })
	o.Value("any", func() {})
	o.Time("time", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	if _, err := o.End(); !errors.Is(err, first) {
		t.Error(err)
	}
	for name, write := range map[string]func(*plainjson.Object){
		"time": func(o *plainjson.Object) { o.Time("t", time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"any":  func(o *plainjson.Object) { o.Value("v", make(chan int)) },
	} {
		o := plainjson.Begin(nil)
		write(&o)
		if text, err := o.End(); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
}
