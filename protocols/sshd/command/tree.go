package command

import "context"

// copyTree is "sftpgo-copy SOURCE TARGET".
func copyTree(ctx context.Context, c *call) error {
	if len(c.args) != 2 {
		return c.misuse("usage: " + copyName + " SOURCE TARGET")
	}
	target := into(c.args[1], c.args[0])
	if err := c.s.CopyTree(ctx, c.args[0], target); err != nil {
		return c.fail(absolute(target), err)
	}
	return c.answer("OK\n")
}

// removeTree is "sftpgo-remove PATH".
func removeTree(ctx context.Context, c *call) error {
	if len(c.args) != 1 {
		return c.misuse("usage: " + removeName + " PATH")
	}
	if err := c.s.RemoveAll(ctx, c.args[0]); err != nil {
		return c.fail(c.last(), err)
	}
	return c.answer("OK\n")
}
