//go:build unix

package sqlstore_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"sftpgo/dataprovider"
)

// cpu is the processor time of this process: wall time says more about what else
// the machine does.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEvents is what one upload with a hook costs the store, from Begin to
// the acknowledgement, at the rates of a batch that eight uploads share: without a
// history, and with one. No quota is counted.
func BenchmarkEvents(b *testing.B) {
	for _, keep := range []bool{false, true} {
		b.Run(fmt.Sprintf("history=%v", keep), func(b *testing.B) {
			o := benchStore(b).Outbox()
			b.ReportAllocs()
			began, n := cpu(b), int64(0)
			for b.Loop() {
				n++
				id, err := o.Announce(b.Context(), settlement(n).Event)
				if err != nil {
					b.Fatal(err)
				}
				s := settlement(n)
				s.Owner = ""
				if _, err := o.Settle(b.Context(), id, s); err != nil {
					b.Fatal(err)
				}
				if n%16 == 0 {
					acknowledge(b, o, keep)
				}
			}
			b.ReportMetric(float64((cpu(b)-began).Microseconds())/float64(n), "cpu-µs/op")
		})
	}
}

func acknowledge(b *testing.B, o dataprovider.Outbox, keep bool) {
	b.Helper()
	claimed, err := o.Claim(b.Context(), "hook", 32, time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	var ids []int64
	var acks []dataprovider.Acknowledgement
	for _, d := range claimed {
		ids = append(ids, d.ID)
		acks = append(acks, dataprovider.Acknowledgement{ID: d.ID, Try: dataprovider.Try{Began: time.Now(), Took: time.Millisecond, Answer: "status 200 OK"}})
	}
	if keep {
		err = o.Acknowledge(b.Context(), acks...)
	} else {
		err = o.Done(b.Context(), ids...)
	}
	if err != nil {
		b.Fatal(err)
	}
}
