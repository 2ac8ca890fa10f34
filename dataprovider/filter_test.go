package dataprovider_test

import (
	"testing"

	"sftpgo/dataprovider"
)

func TestFileAllowed(t *testing.T) {
	u := dataprovider.User{Filters: dataprovider.UserFilters{
		FileExtensions: []dataprovider.ExtensionsFilter{
			{Path: "/", DeniedExtensions: []string{".exe"}},
			{Path: "/pics", AllowedExtensions: []string{".jpg", ".png"}, DeniedExtensions: []string{".secret.jpg"}},
		},
		FilePatterns: []dataprovider.PatternsFilter{
			{Path: "/in", DeniedPatterns: []string{"*.tmp"}},
			{Path: "/in/reports", AllowedPatterns: []string{"r-????.csv"}},
			{Path: "/broken", DeniedPatterns: []string{"[a"}},
			{Path: "/broken/allowed", AllowedPatterns: []string{"[a"}},
		},
	}}
	for name, want := range map[string]bool{
		"/a.txt":                 true,
		"/a.EXE":                 false,
		"/sub/dir/a.exe":         false,
		"/pics/a.JPG":            true,
		"/pics/a.exe":            false, // not in the allowed list
		"/pics/a.gif":            false,
		"/pics/deep/a.png":       true,
		"/pics/x.secret.jpg":     false, // denied wins
		"/pics":                  true,  // the filter of / decides about the name itself
		"/pics2/a.gif":           true,
		"/in/a.tmp":              false,
		"/in/a.TMP":              false,
		"/in/a.exe":              false, // both kinds must agree
		"/in/a.txt":              true,
		"/in/reports/r-2021.csv": true,
		"/in/reports/r-2021.CSV": true,
		"/in/reports/r-21.csv":   false,
		"/in/reports/a.tmp":      false,
		"/broken/file":           false, // a record nobody can read allows nothing
		"/broken/allowed/file":   false,
	} {
		if got := u.FileAllowed(name); got != want {
			t.Errorf("FileAllowed(%q) = %v", name, got)
		}
	}
	if !u.HasFileFilters() || !u.FiltersBelow("/in") || !u.FiltersBelow("/") || u.FiltersBelow("/in/reports") || u.FiltersBelow("/i") {
		t.Error("HasFileFilters or FiltersBelow is wrong")
	}
	free := dataprovider.User{}
	if !free.FileAllowed("/a.exe") || free.HasFileFilters() || free.FiltersBelow("/") {
		t.Error("a record without filters filters")
	}
}
