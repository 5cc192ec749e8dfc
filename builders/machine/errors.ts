import { HearthError } from '../../functions/shared/errors.ts'

/** The builder was started without something that it needs. */
export class MissingSetting extends HearthError {
  override name = 'MissingSetting'
}

/** The job file is of another kind than the command, or is no job at all. */
export class WrongJob extends HearthError {
  override name = 'WrongJob'
}

/** The evaluation's archive is not the one that Plan pinned, or does not hold what the batch needs. */
export class ArchiveRefused extends HearthError {
  override name = 'ArchiveRefused'
}

/** A build on this machine could take it over, or change what others are built from. */
export class MachineLeaks extends HearthError {
  override name = 'MachineLeaks'
}

/** Where the source comes from does not answer just now. */
export class SourceUnavailable extends HearthError {
  override name = 'SourceUnavailable'
  override retryable = true
}

/** The commit, or its repository, is not there for us. */
export class SourceNotFound extends HearthError {
  override name = 'SourceNotFound'
}

/** The flake as a whole gives nothing: it does not parse, an input is missing, it never finishes. */
export class FlakeDoesNotEvaluate extends HearthError {
  override name = 'FlakeDoesNotEvaluate'
}

/** The flake evaluates, but has none of the configured attributes for any of the configured systems. */
export class NothingToWarm extends HearthError {
  override name = 'NothingToWarm'
}

/** A command of Nix failed that has no reason to fail, whatever the sources say. */
export class NixFailed extends HearthError {
  override name = 'NixFailed'
  override retryable = true
}

/** The batch is built, but not everything of it could be staged, or Nix gave up before it had tried everything. */
export class BatchIncomplete extends HearthError {
  override name = 'BatchIncomplete'
  override retryable = true
}

/** A program that we asked for something short does not stop talking. */
export class OutputTooLong extends HearthError {
  override name = 'OutputTooLong'
  constructor(limit: number) {
    super(`it printed more than ${limit} bytes`)
  }
}

/** The builder was told to stop, before everything of its batch was done. What it had built is staged. */
export class BuilderStopped extends HearthError {
  override name = 'BuilderStopped'
  override retryable = true
}

/** The task that the batch belongs to is over: it timed out, was cancelled, or another builder has taken it. */
export class NobodyWaits extends HearthError {
  override name = 'NobodyWaits'
}

/** The machine has no room left. */
export class DiskFull extends HearthError {
  override name = 'DiskFull'
  override retryable = true
}
