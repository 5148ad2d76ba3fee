package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
)

func envCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "env", Short: "Print export lines for the AWS CLI, the SDKs and this program", Args: noArgs,
		Long:    "Print what a shell needs to speak to the server whose data directory is given. It holds an administrator's access key.",
		Example: "  eval \"$(gatehouse env --data DIR)\"\n  aws sso-admin list-instances",
		RunE: func(c *cobra.Command, _ []string) error {
			data, _ := c.Flags().GetString("data")
			if data == "" {
				data = app.DefaultData("gatehouse")
			}
			env, err := app.ReadEnvironment(data)
			if err != nil {
				return err
			}
			if asJSON, _ := c.Flags().GetBool("json"); asJSON {
				return printJSON(c, env)
			}
			_, err = fmt.Fprint(c.OutOrStdout(), env.Exports())
			return err
		},
	}
	c.Flags().String("data", "", "data directory of the server (default: the usual directory)")
	return jsonFlag(c)
}
