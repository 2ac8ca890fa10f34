package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the spellings of sizes; a bare letter counts in powers of 1024,
// as ls and df do.
var sizeUnits = []struct {
	suffix string
	factor float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40},
	{"b", 1}, {"", 1},
}

// parseSize reads a number of bytes such as 1073741824, 10GiB, 1.5G or 500 MB.
func parseSize(s string) (int64, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	for _, unit := range sizeUnits {
		number, ok := strings.CutSuffix(text, unit.suffix)
		if !ok {
			continue
		}
		number = strings.TrimSpace(number)
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || n < 0 || strings.Trim(number, "0123456789.") != "" || n*unit.factor >= math.MaxInt64 {
			break
		}
		return int64(n * unit.factor), nil
	}
	return 0, fmt.Errorf("%q is not a size, such as 1073741824, 10GiB or 500MB", s)
}

// formatSize writes a size for people.
func formatSize(n int64) string {
	const units = "KMGT"
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, unit := float64(n)/(1<<10), 0
	for f >= 1<<10 && unit < len(units)-1 {
		f, unit = f/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f %ciB", f, units[unit])
}
