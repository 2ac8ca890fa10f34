package outbox

import (
	"fmt"
	"log/slog"
	"strings"

	"sftpgo/actions"
)

// UsersTarget is the name of the hook of "data_provider.actions" in the store and in
// logs.
const UsersTarget = "data_provider.actions"

// AddUsers adds what the section "data_provider.actions" asks for. Half a setting is
// a warning in the log.
func (h *Hooks) AddUsers(section actions.UserConfig, open func(hook string) (Receiver, error), cfg Config, log *slog.Logger) error {
	log = log.With("sender", sender)
	switch {
	case section.Hook == "" && len(section.ExecuteOn) > 0:
		log.Warn("data_provider.actions.execute_on names changes but data_provider.actions.hook is empty: nobody is told")
	case section.Hook != "" && len(section.ExecuteOn) == 0:
		log.Warn("data_provider.actions.hook is set but data_provider.actions.execute_on is empty: the hook is never called")
	}
	kinds := section.Kinds()
	if len(kinds) == 0 {
		return nil
	}
	r, err := open(section.Hook)
	if err != nil {
		return fmt.Errorf("data_provider.actions: %w", err)
	}
	workers := cfg.ProgramWorkers
	if section.HookIsURL() {
		workers = cfg.EndpointWorkers
	}
	h.Targets = append(h.Targets, Target{Name: UsersTarget, Sink: r, Kinds: kinds, Workers: workers, Limit: r.Limit()})
	h.Summary = append(h.Summary, fmt.Sprintf("%s for users: %s", r, strings.Join(section.ExecuteOn, ", ")))
	return nil
}
