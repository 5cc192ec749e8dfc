import { HearthError } from '../../shared/errors.ts'

/** Why the keys are left as they are. */

export class KeyExists extends HearthError {
  override name = 'KeyExists'
  constructor(names: string[]) {
    super(
      `there is a signing key already, ${names.join(', ')}: \`hearth keys rotate\` adds another one beside it`,
    )
  }
}

export class NoKeyYet extends HearthError {
  override name = 'NoKeyYet'
  constructor() {
    super('there is no signing key yet: `hearth keys create` makes the first one')
  }
}

export class NoSuchKey extends HearthError {
  override name = 'NoSuchKey'
  constructor(name: string, names: string[]) {
    super(`no key ${name} signs; the keys that do are ${names.join(', ') || 'none'}`)
  }
}

export class LastKey extends HearthError {
  override name = 'LastKey'
  constructor(name: string) {
    super(
      `${name} is the only signing key, and nothing could be published without one: \`hearth keys rotate\` first`,
    )
  }
}

export class StillNeeded extends HearthError {
  override name = 'StillNeeded'
  constructor(name: string, from: Date | undefined) {
    super(
      from === undefined
        ? `${name} is the only key that some narinfos are signed with, as far as is known: run \`hearth keys resign\` to its end; 30 days later ` +
            `${name} may be retired. --force retires it at once, and clients that do not trust another key of a path build it`
        : `${name} may be retired from ${from.toISOString()} on: until then clients may go by a narinfo that they read before it was re-signed ` +
            `(narinfo-cache-positive-ttl, 30 days). --force retires it at once`,
    )
  }
}

export class KeyChangeUnderWay extends HearthError {
  override name = 'KeyChangeUnderWay'
  constructor(execution: string) {
    super(
      `the keys are being changed by ${execution} at this moment: wait for its end, and look at them again`,
    )
  }
}

/** Somebody started another pass over the cache: it goes on where this one was. */
export class ResigningTakenOver extends HearthError {
  override name = 'ResigningTakenOver'
  constructor(execution: string) {
    super(`${execution} has taken over re-signing from here: follow that one`)
  }
}
