package dev.assize.server.cli;

import picocli.CommandLine.Command;

/** The ledger: record, find, export, prove, verify, erase, hold, prune. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = "The ledger: record, find, export, prove, verify, erase, hold, prune.",
        subcommands = {
            AuditAppendCommand.class,
            AuditListCommand.class,
            AuditLineageCommand.class,
            AuditExportCommand.class,
            AuditVerifyCommand.class,
            AuditCheckpointCommand.class,
            AuditProofCommand.class,
            AuditDecisionsCommand.class,
            AuditDecisionCommand.class,
            AuditEraseCommand.class,
            AuditIdentifyCommand.class,
            AuditHoldCommand.class,
            AuditPruneCommand.class,
            AuditIncarnationCommand.class
        })
public final class AuditCommand {}
