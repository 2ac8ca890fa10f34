package httpsink_test

import (
	"net/http"
	"strings"
	"testing"

	"sftpgo/actions"
	"sftpgo/actions/sinktest"
)

// What an endpoint said is in the receipt, up to 4 KiB.
func TestReceipt(t *testing.T) {
	ep := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("thanks" + strings.Repeat(".", 1<<16)))
	})
	var got actions.Receipt
	err := newSink(t, quick(), ep.URL, sinktest.Format{}).Deliver(actions.WithReceipt(t.Context(), &got), sinktest.Event("01A", "/a"))
	if err != nil || got.Status != "status 202 Accepted" || !strings.HasPrefix(got.Output, "thanks.") || len(got.Output) > 4<<10 {
		t.Errorf("%v, %q, %d bytes", err, got.Status, len(got.Output))
	}
}
