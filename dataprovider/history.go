package dataprovider

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// The bounds of what is kept of the tries of one delivery.
const (
	MaxTries      = 10      // the first one and the latest
	MaxTryAnswer  = 1 << 10 // bytes
	MaxTryOutput  = 4 << 10 // bytes
	maxTryOutputs = 3       // of the latest tries; earlier ones lose theirs
)

// Try is one attempt to deliver an event, for those who look into the outbox.
type Try struct {
	Began  time.Time     `json:"began"`
	Took   time.Duration `json:"took"`
	Failed bool          `json:"failed,omitempty"`
	Answer string        `json:"answer,omitempty"` // one line: why it failed, or how the receiver said that it took it
	Output string        `json:"output,omitempty"` // end of what the receiver wrote
}

// bounded is t with texts that every database takes.
func (t Try) bounded() Try {
	t.Answer = storable(t.Answer[:min(len(t.Answer), MaxTryAnswer)])
	t.Output = storable(t.Output[max(0, len(t.Output)-MaxTryOutput):])
	return t
}

func storable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}

// AppendTry adds a try to a history and keeps that within bounds. It does not
// change the slice that it is given.
func AppendTry(history []Try, t Try) []Try {
	history = append(slices.Clone(history), t.bounded())
	if n := len(history); n > MaxTries {
		history = slices.Delete(history, 1, 1+n-MaxTries)
	}
	for i := range max(0, len(history)-maxTryOutputs) {
		history[i].Output = ""
	}
	return history
}

// EncodeTries is how a history waits in a database; DecodeTries reads it. A
// history that cannot be read is none: it is there for people only.
func EncodeTries(history []Try) []byte {
	if len(history) == 0 {
		return []byte{}
	}
	text, err := json.Marshal(history)
	if err != nil { // of a time beyond the year 9999
		return []byte{}
	}
	return text
}

// DecodeTries is the other way of EncodeTries.
func DecodeTries(text []byte) []Try {
	var history []Try
	if len(text) == 0 || json.Unmarshal(text, &history) != nil {
		return nil
	}
	return history
}

// Acknowledgement ends a delivery that the receiver has taken.
type Acknowledgement struct {
	ID  int64
	Try Try
}
