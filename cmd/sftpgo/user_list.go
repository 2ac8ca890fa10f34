package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

func newUserListCommand(open storeOpener) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the accounts",
		Args:  noArgument,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the records as a JSON list")
	cmd.RunE = runWithAccounts(open, func(cmd *cobra.Command, _ []string, a *accounts) error {
		if asJSON {
			return a.listJSON(cmd)
		}
		return a.listTable(cmd)
	})
	return cmd
}

func (a *accounts) each(cmd *cobra.Command, do func(u dataprovider.User) error) error {
	for u, err := range a.store.Users().List(cmd.Context(), "") {
		if err != nil {
			return fmt.Errorf("list users: %w", err)
		}
		shown, err := a.withUsage(cmd.Context(), u)
		if err != nil {
			return err
		}
		if err := do(shown); err != nil {
			return err
		}
	}
	return nil
}

// listJSON prints a record per line, so that a long list needs no memory.
func (a *accounts) listJSON(cmd *cobra.Command) error {
	out := cmd.OutOrStdout()
	separator := "[\n"
	err := a.each(cmd, func(u dataprovider.User) error {
		line, err := json.Marshal(u)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s%s", separator, line)
		separator = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	if separator == "[\n" {
		_, err = fmt.Fprintln(out, "[]")
		return err
	}
	_, err = fmt.Fprintln(out, "\n]")
	return err
}

func (a *accounts) listTable(cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USERNAME\tSTATUS\tUSED\tFILES\tLAST LOGIN\tHOME")
	err := a.each(cmd, func(u dataprovider.User) error {
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Username, statusText(u, time.Now()),
			ofLimit(formatSize(u.UsedQuotaSize), u.QuotaSize, formatSize),
			ofLimit(strconv.Itoa(u.UsedQuotaFiles), int64(u.QuotaFiles), formatCount),
			timeText(u.LastLogin, "never"), u.HomeDir)
		return err
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

func statusText(u dataprovider.User, now time.Time) string {
	switch {
	case u.Status != dataprovider.StatusEnabled:
		return "disabled"
	case u.ExpirationDate > 0 && u.ExpirationDate <= now.UnixMilli():
		return "expired"
	}
	return "enabled"
}

func formatCount(n int64) string { return strconv.FormatInt(n, 10) }

func ofLimit(used string, limit int64, format func(int64) string) string {
	if limit == 0 {
		return used
	}
	return used + " of " + format(limit)
}

func timeText(milliseconds int64, zero string) string {
	if milliseconds == 0 {
		return zero
	}
	return time.UnixMilli(milliseconds).Format("2006-01-02 15:04:05")
}

func printJSON(w io.Writer, u dataprovider.User) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(u)
}
