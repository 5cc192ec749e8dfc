import { stagedKeys } from '../../functions/shared/keys.ts'
import { packParcel } from '../../functions/shared/parcel.ts'
import { stageBytes, type Staging } from './staging.ts'

// 8 MiB: a request of its own costs no more than its bytes from there on. 2,000 objects: then the index has 300 kB at most.
const FULL_BYTES = 8 * 1024 ** 2
const FULL_OBJECTS = 2000
// 2 s: what a builder that dies may lose of what it has built.
const PAUSE_MILLISECONDS = 2000

interface SmallObject {
  name: string
  bytes: Uint8Array
}

/**
 * Stages small objects many at a time (`functions/shared/parcel.ts`), in the order in which they are added: who finds one finds all that were added before it.
 * A parcel is sent when it is full, or 2 s after its first object came.
 */
export class Parcels {
  readonly #staging: Staging
  #objects: SmallObject[] = []
  #bytes = 0
  #unsent = 0
  #sent = 0
  #timer: NodeJS.Timeout | undefined
  /** everything up to the last parcel that was closed */
  #closed: Promise<void> = Promise.resolve()
  /** everything up to the parcel that is open */
  #open = Promise.withResolvers<void>()

  constructor(staging: Staging) {
    this.#staging = staging
  }

  /** @param key that the object would have by itself, below the build's own prefix */
  add(key: string, bytes: Uint8Array): void {
    this.#objects.push({ name: key.slice(this.#staging.prefix.length), bytes })
    this.#bytes += bytes.length
    this.#unsent += bytes.length
    if (this.#bytes >= FULL_BYTES || this.#objects.length >= FULL_OBJECTS) this.close()
    else this.#timer ??= setTimeout(() => this.close(), PAUSE_MILLISECONDS)
  }

  /** Bytes that are in memory, because they are not staged yet. */
  get unsent(): number {
    return this.#unsent
  }

  /** Resolves when everything that was added is staged; rejects when something of it, or before it, could not be. */
  async staged(): Promise<void> {
    return this.#objects.length === 0 ? this.#closed : this.#open.promise
  }

  /** Sends what there is without waiting for more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#objects.length === 0) return
    const objects = this.#objects
    const open = this.#open
    this.#objects = []
    this.#bytes = 0
    this.#open = Promise.withResolvers<void>()
    // One after the other, without a gap in their numbers: behind a parcel that is missing nobody looks for more.
    this.#closed = this.#closed.then(async () => this.#send(objects))
    this.#closed.then(open.resolve, open.reject)
    // Whoever wants to know asks for `staged`; a failure that nobody asks about is no crash.
    open.promise.catch(() => undefined)
  }

  async #send(objects: SmallObject[]): Promise<void> {
    const key = stagedKeys.parcel(this.#staging.prefix, this.#sent)
    const parcel = packParcel(objects)
    // The client repeats it for minutes.
    await stageBytes(this.#staging, key, parcel, { type: 'application/octet-stream' })
    this.#sent++
    for (const { bytes } of objects) this.#unsent -= bytes.length
  }
}
