import { StateError } from './errors.ts'
import { PAYLOAD_LIMIT, sizeOf, type JsonObject } from './json.ts'

/**
 * The workflow variables of one block of states. An iteration or a branch has its own and sees those around it; what it assigns is gone when it
 * ends. That inner states do not assign outer variables is checked before anything runs.
 */
export class Variables {
  #own: JsonObject
  readonly #around: Variables | undefined
  constructor(own: JsonObject = {}, around?: Variables) {
    this.#own = own
    this.#around = around
  }

  /** All that an expression may read here. */
  all(): JsonObject {
    return { ...this.#around?.all(), ...this.#own }
  }

  /** What this block has assigned so far. */
  own(): JsonObject {
    return this.#own
  }

  inner(): Variables {
    return new Variables({}, this)
  }

  /** Takes all values of one Assign at once. @throws StateError States.DataLimitExceeded above 256 KiB */
  assign(values: JsonObject): void {
    if (sizeOf(values) > PAYLOAD_LIMIT)
      throw new StateError(
        'States.DataLimitExceeded',
        `Assign of ${Object.keys(values).join(', ')}: more than ${PAYLOAD_LIMIT} bytes.`,
      )
    this.#own = { ...this.#own, ...values }
  }
}
