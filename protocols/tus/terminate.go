package tus

import "net/http"

// terminate gives an upload up.
func (q *request) terminate() error {
	if err := q.h.uploads.Terminate(q.context(), q.s, q.id, q.told); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
