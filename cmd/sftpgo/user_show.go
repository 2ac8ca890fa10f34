package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sftpgo/dataprovider"
)

func newUserShowCommand(open storeOpener) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show an account",
		Args:  oneArgument("the name of the account"),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the record as JSON")
	cmd.RunE = runWithAccounts(open, func(cmd *cobra.Command, args []string, a *accounts) error {
		stored, _, err := a.get(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		u, err := a.withUsage(cmd.Context(), stored)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), u)
		}
		return printDetails(cmd.OutOrStdout(), u, stored.Password != "")
	})
	return cmd
}

// printDetails prints what is set, one property per line.
func printDetails(out io.Writer, u dataprovider.User, hasPassword bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s:\t%s\n", name, value)
		}
	}
	row("username", u.Username)
	row("description", u.Description)
	row("additional info", u.AdditionalInfo)
	row("status", statusText(u, time.Now()))
	row("expires", timeText(u.ExpirationDate, "never"))
	row("last login", timeText(u.LastLogin, "never"))
	row("password", map[bool]string{true: "set", false: "none"}[hasPassword])
	for _, key := range u.PublicKeys {
		row("public key", key)
	}
	row("home", u.HomeDir)
	for _, dir := range slices.Sorted(maps.Keys(u.Permissions)) {
		allowed := strings.Join(u.Permissions[dir], ", ")
		if allowed == "" {
			allowed = "nothing"
		}
		row("permissions "+dir, allowed)
	}
	row("used", ofLimit(formatSize(u.UsedQuotaSize), u.QuotaSize, formatSize))
	row("files", ofLimit(strconv.Itoa(u.UsedQuotaFiles), int64(u.QuotaFiles), formatCount))
	printLimits(row, u)
	return w.Flush()
}

func printLimits(row func(name, value string), u dataprovider.User) {
	number := func(n int64, unit string) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10) + unit
	}
	row("max sessions", number(int64(u.MaxSessions), ""))
	row("upload bandwidth", number(u.UploadBandwidth, " KiB/s"))
	row("download bandwidth", number(u.DownloadBandwidth, " KiB/s"))
	row("uid", number(int64(u.UID), ""))
	row("gid", number(int64(u.GID), ""))
	if u.Filters.MaxUploadFileSize > 0 {
		row("max upload file size", formatSize(u.Filters.MaxUploadFileSize))
	}
	row("allowed networks", strings.Join(u.Filters.AllowedIP, ", "))
	row("denied networks", strings.Join(u.Filters.DeniedIP, ", "))
	row("denied protocols", strings.Join(u.Filters.DeniedProtocols, ", "))
	row("denied login methods", strings.Join(u.Filters.DeniedLoginMethods, ", "))
	for _, f := range u.Filters.FileExtensions {
		row("extensions "+f.Path, allowDeny(f.AllowedExtensions, f.DeniedExtensions))
	}
	for _, f := range u.Filters.FilePatterns {
		row("patterns "+f.Path, allowDeny(f.AllowedPatterns, f.DeniedPatterns))
	}
}

func allowDeny(allowed, denied []string) string {
	var parts []string
	if len(allowed) > 0 {
		parts = append(parts, "only "+strings.Join(allowed, " "))
	}
	if len(denied) > 0 {
		parts = append(parts, "not "+strings.Join(denied, " "))
	}
	return strings.Join(parts, ", ")
}
