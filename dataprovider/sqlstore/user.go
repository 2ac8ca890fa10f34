package sqlstore

import "sftpgo/dataprovider"

func userTable(s *Store) *table[dataprovider.User] {
	return &table[dataprovider.User]{
		store: s, kind: "user", table: "users",
		name:  func(u *dataprovider.User) string { return u.Username },
		setID: func(u *dataprovider.User, id int64) { u.ID = id },
		stored: func(u dataprovider.User) dataprovider.User {
			return u.WithUsage(dataprovider.UsageRecord{}) // counted elsewhere
		},
		// A new user inherits nothing from one of the same name.
		replaced: func(t *tx, name string) error {
			if _, err := t.exec("DELETE FROM usage WHERE owner = ?", name); err != nil {
				return err
			}
			if err := t.dropLocksOf(name); err != nil {
				return err
			}
			if err := t.dropUploadsOf(name); err != nil {
				return err
			}
			return t.disown(name)
		},
	}
}
