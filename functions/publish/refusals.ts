import type { StorePath } from '../../nix/store-path.ts'
import type { FixedOutput } from '../../nix/fixed-output.ts'
import type { OutputDifference } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import type { Withdrawn } from '../shared/records.ts'

/** Why a staged result is not published. What stays retryable is what another look of Plan can mend. */

/** Something that a finished build must have staged is not there, or is not readable as what it should be. */
export class StagedResultInvalid extends HearthError {
  override name = 'StagedResultInvalid'
}

/** The staged bytes are not the bytes that the staged narinfo describes. */
export class StagedBytesDiffer extends HearthError {
  override name = 'StagedBytesDiffer'
  constructor(path: StorePath, what: string, declared: string | number, found: string | number) {
    super(`${path}: its ${what} is ${found}, and its narinfo says ${declared}`)
  }
}

/** A NAR is larger than this deployment takes. */
export class NarOverLimit extends HearthError {
  override name = 'NarOverLimit'
  constructor(path: StorePath, size: number, limit: number) {
    super(
      `${path} has a NAR of ${size} bytes, and at most ${limit} are taken: limits.nar.gigabytes in hearth.yml`,
    )
  }
}

/** A fixed-output path has another content than its derivation declares. */
export class FixedContentDiffers extends HearthError {
  override name = 'FixedContentDiffers'
  constructor(path: StorePath, { algorithm, hash, method }: FixedOutput, found: string | undefined) {
    const what = method === 'flat' ? 'contents' : 'NAR'
    super(
      found === undefined
        ? `${path} must be one file that is not executable, because the ${algorithm} of its contents is declared`
        : `${path}: the ${algorithm} of its ${what} is ${found}, and its derivation declares ${hash}`,
    )
  }
}

/** Nix: "fixed-output derivations must not reference store paths". */
export class FixedOutputRefers extends HearthError {
  override name = 'FixedOutputRefers'
  constructor(path: StorePath, references: StorePath[]) {
    super(
      `${path} is a fixed output, and must not refer to store paths; it refers to ${references.join(', ')}`,
    )
  }
}

/** A staged source is not what the evaluation's archive proved it to be. */
export class SourceDiffers extends HearthError {
  override name = 'SourceDiffers'
  constructor(path: StorePath, what: string, proved: string | number, staged: string | number) {
    super(
      `the source ${path}: its ${what} was proved to be ${proved || 'empty'}, and staged is ${staged || 'empty'}`,
    )
  }
}

/** Plan has proved an input of a flake, and the evaluator that brought it did not stage it. */
export class InputNotStaged extends HearthError {
  override name = 'InputNotStaged'
  constructor(path: StorePath) {
    super(`the flake's input ${path} is in no cache, and its evaluator did not stage it: its log says why`)
  }
}

/** An output breaks a rule of its own derivation: Nix itself would not have registered it. */
export class ReferenceRuleBroken extends HearthError {
  override name = 'ReferenceRuleBroken'
  constructor(path: StorePath, broken: string[]) {
    super(`${path} breaks the rules of its derivation: ${broken.join('; ')}`)
  }
}

/** The narinfo's references are not those that the NAR contains. */
export class ReferencesDiffer extends HearthError {
  override name = 'ReferencesDiffer'
  constructor(path: StorePath, undeclared: StorePath[], absent: StorePath[]) {
    const parts = [
      undeclared.length > 0 ? `it contains undeclared references to ${undeclared.join(', ')}` : '',
      absent.length > 0
        ? `it declares references that it does not contain, or cannot: ${absent.join(', ')}`
        : '',
    ]
    super(`${path}: ${parts.filter((part) => part !== '').join('; ')}`)
  }
}

export class ReferenceNotPublished extends HearthError {
  override name = 'ReferenceNotPublished'
  // its batch may still be publishing: Plan looks again
  override retryable = true
  constructor(path: StorePath, reference: StorePath) {
    super(`${path} refers to ${reference}, which is neither in the cache nor in a declared upstream`)
  }
}

export class InputNotPublished extends HearthError {
  override name = 'InputNotPublished'
  override retryable = true
  constructor(input: StorePath) {
    super(`it was built on ${input}, which is neither in the cache nor in a declared upstream`)
  }
}

export class InputDiffers extends HearthError {
  override name = 'InputDiffers'
  // the next wave builds it on the published bytes
  override retryable = true
  constructor(input: StorePath, published: string, used: string | undefined) {
    super(`it was built on ${input} with ${used ?? 'no NarHash given'}, and published is ${published}`)
  }
}

/** Of two different builds of one derivation the first stands. */
export class NotReproducible extends HearthError {
  override name = 'NotReproducible'
  override retryable = true
  readonly differences: OutputDifference[]
  constructor(differences: OutputDifference[]) {
    const each = differences.map(
      ({ storePath, published, built }) =>
        `${storePath} is published with ${published}, and this build of it has ${built}`,
    )
    super(`${each.join('; ')}: the published one stands`)
    this.differences = differences
  }
}

/** Somebody else began to publish another build, which cannot be finished at this moment, and is not given up yet. */
export class PublicationUnfinished extends HearthError {
  override name = 'PublicationUnfinished'
  override retryable = true
  constructor(path: StorePath, build: string, why: string) {
    super(
      `${path}: the build ${build} was to be published, and ${why}; it is given up 20 minutes after its publisher began`,
    )
  }
}

/** A repair is taking the build that stands out of clients' sight: until nothing of it is visible, no other one may get in beside it. */
export class RepairUnderWay extends HearthError {
  override name = 'RepairUnderWay'
  override retryable = true
  constructor(path: StorePath, { by, since }: Withdrawn) {
    super(
      `${path}: the repair ${by} has been taking what is published of it out of clients’ sight since ${since}; if it has died, \`hearth verify --repair\` goes on an hour later`,
    )
  }
}

/** What refers to it must not become visible: nobody knows whether it is. */
export class NarInfoNotWritten extends HearthError {
  override name = 'NarInfoNotWritten'
  // S3 says 409 while somebody else writes the same key: then the next wave finds it
  override retryable = true
  constructor(path: StorePath) {
    super(
      `the narinfo of ${path} could not be written, and the cache does not show it: either somebody else is writing it at this moment, or ` +
        'another path with the same hash part is published',
    )
  }
}
