package dev.assize.server.cli;

import picocli.CommandLine.Command;

/** The ledger: record, find, verify. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = "The ledger: record, find, verify.",
        subcommands = {AuditAppendCommand.class, AuditListCommand.class, AuditVerifyCommand.class})
public final class AuditCommand {}
