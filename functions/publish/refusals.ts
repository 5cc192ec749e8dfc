import type { StorePath } from '../../nix/store-path.ts'
import { HearthError } from '../shared/errors.ts'

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
  constructor(path: StorePath, published: string, built: string) {
    super(
      `${path} is published with ${published}, and this build of it has ${built}: the published one stands`,
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
