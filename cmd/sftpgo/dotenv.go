package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/subosito/gotenv"
)

// loadDotEnv adds what the file .env of the working directory says to the
// environment, which has the last word. No file is no error.
func loadDotEnv() error {
	f, err := os.Open(".env")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	variables, err := gotenv.StrictParse(f)
	if err != nil {
		// The line may have a secret, which the text of the error would show.
		return errors.New(".env: a line is not of the form NAME=value")
	}
	for name, value := range variables {
		if _, set := os.LookupEnv(name); set {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf(".env: %s: %w", name, err)
		}
	}
	return nil
}
