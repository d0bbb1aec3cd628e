package dev.assize.server.cli;

import picocli.CommandLine.Command;

/** Policy as files: checked, tested, compared, applied, read back. */
@Command(
        name = "policy",
        mixinStandardHelpOptions = true,
        description =
                "Policy as files: check, test, compare, apply, propose and accept, read back, rebuild; their schema"
                        + " and layout.",
        subcommands = {
            PolicyValidateCommand.class,
            PolicyTestCommand.class,
            PolicyDiffCommand.class,
            PolicyApplyCommand.class,
            PolicyExportCommand.class,
            PolicyHistoryCommand.class,
            PolicyProposals.Propose.class,
            PolicyProposals.Proposals.class,
            PolicyProposals.Say.class,
            PolicyProposals.Accept.class,
            PolicyProposals.Reject.class,
            PolicyProposals.Withdraw.class,
            PolicyReplayCommand.class,
            PolicySchemaCommand.class,
            PolicyFmtCommand.class
        })
public final class PolicyCommand {}
