import { stripVTControlCharacters } from 'node:util'
import { type StorePath } from '../../nix/store-path.ts'
import { NixFailed } from '../machine/errors.ts'
import { eachLine, type RunningProcess, startProcess } from '../machine/processes.ts'
import { number, stringMap, strings, WireReader } from './wire.ts'

/** Nix's settings for everything that a connection does. */
export interface ConnectionSettings {
  /** Nix's `cores` and `max-silent-time`, as this machine has them: a client has to say them, and they are the machine's business */
  cores: number
  maxSilentSeconds: number
  /** whatever else, by Nix's own names */
  options: Record<string, string>
}

// Source: Nix, `worker-protocol.hh`.
const CLIENT_MAGIC = 0x6e697863
const SERVER_MAGIC = 0x6478696f
// 1.33: what 2.8 speaks; newer ones speak it as well.
const VERSION = (1 << 8) | 33
const OPERATION = { buildPaths: 9, setOptions: 19, queryValidPaths: 31 } as const
const MESSAGE = {
  next: 0x6f6c6d67,
  last: 0x616c7473,
  error: 0x63787470,
  startActivity: 0x53545254,
  stopActivity: 0x53544f50,
  result: 0x52534c54,
} as const
// 1 MiB: what Nix itself says comes first, and then the end of the log, which is staged by itself.
const LONGEST_ERROR = 1024 ** 2
const INFO = 3
const VOMIT = 7
const NORMAL = 0
const BUILD_ACTIVITY = 105

/**
 * A Nix that waits for one operation after the other. To start one costs as much as building seven trivial derivations (2.8: 31 ms of 35): so it is not started for
 * each of them, and which is built when is decided here, not there.
 */
export class NixConnection {
  readonly #process: RunningProcess
  readonly #reader: WireReader
  #words = ''

  private constructor(process: RunningProcess) {
    this.#process = process
    this.#reader = new WireReader(process.stdout)
    eachLine(process.stderr, (line) => void (this.#words = line)).catch(() => undefined)
    process.stdin?.on('error', () => undefined)
    process.ended.catch(() => undefined)
  }

  /** @throws NixFailed when there is no Nix that answers */
  static async open(
    environment: Record<string, string>,
    settings: ConnectionSettings,
  ): Promise<NixConnection> {
    // With --stdio it serves the store itself, or passes on to the machine's daemon. For that it needs real pipes (splice(2)), and Node's are sockets.
    const process = startProcess('sh', ['-c', 'cat | nix-daemon --stdio | cat'], { environment, input: true })
    const connection = new NixConnection(process)
    try {
      await connection.#greet()
      await connection.#setOptions(settings)
    } catch (error) {
      connection.close()
      throw error
    }
    return connection
  }

  /** Those of the paths that are not valid. */
  async invalid(paths: StorePath[]): Promise<StorePath[]> {
    this.#send(number(OPERATION.queryValidPaths), strings(paths), number(0))
    await this.#finish()
    const valid = new Set(await this.#reader.strings())
    return paths.filter((path) => !valid.has(path))
  }

  /**
   * Builds a derivation.
   * @param onStart when Nix begins to: it may have to wait for somebody else who builds the same
   * @returns Nix's words when it cannot be built; undefined when it is built
   * @throws NixFailed when Nix itself breaks down
   */
  async build(drvPath: StorePath, onStart: () => void): Promise<string | undefined> {
    this.#send(number(OPERATION.buildPaths), strings([`${drvPath}!*`]), number(NORMAL))
    const refusal = await this.#messages(onStart)
    if (refusal === undefined) await this.#reader.number()
    return refusal
  }

  /** Nothing can be asked any more; what was being built is broken off. */
  close(): void {
    this.#process.stdin?.end()
    this.#process.kill('SIGTERM')
  }

  /** Resolves when the process has ended: then nothing in the store is in use by it. */
  async ended(): Promise<void> {
    await this.#process.ended.catch(() => undefined)
  }

  async #greet(): Promise<void> {
    this.#send(number(CLIENT_MAGIC))
    if ((await this.#number()) !== SERVER_MAGIC) throw new NixFailed('nix-daemon --stdio is no daemon of Nix')
    const version = Math.min(await this.#number(), VERSION)
    if (version >> 8 !== 1) throw new NixFailed(`Nix speaks version ${version >> 8} of its protocol, not 1`)
    // no CPU affinity, no reserved space: both mean nothing any more
    this.#send(number(VERSION), number(0), number(0))
    if ((version & 0xff) >= 33) await this.#reader.string()
    await this.#finish()
  }

  async #setOptions({ cores, maxSilentSeconds, options }: ConnectionSettings): Promise<void> {
    const [keepFailed, keepGoing, tryFallback, useBuildHook, logType, printTrace, useSubstitutes] = [
      0, 0, 0, 1, 0, 0, 0,
    ]
    this.#send(
      number(OPERATION.setOptions),
      ...[keepFailed, keepGoing, tryFallback, INFO, 1, maxSilentSeconds].map(number),
      ...[useBuildHook, VOMIT, logType, printTrace, cores, useSubstitutes].map(number),
      stringMap(options),
    )
    await this.#finish()
  }

  /** As `messages`, for what has no reason to fail. @throws NixFailed */
  async #finish(): Promise<void> {
    const refusal = await this.#messages()
    if (refusal !== undefined) throw new NixFailed(`nix-daemon --stdio: ${refusal}`)
  }

  /** Reads what is said until the operation is over. @returns why it failed, or undefined */
  async #messages(onBuild: () => void = () => {}): Promise<string | undefined> {
    const reader = this.#reader
    for (;;) {
      const message = await this.#number()
      if (message === MESSAGE.last) return undefined
      else if (message === MESSAGE.next) await reader.skipString()
      else if (message === MESSAGE.stopActivity) await reader.number()
      else if (message === MESSAGE.error) return this.#error()
      else if (message === MESSAGE.startActivity) {
        await reader.number()
        await reader.number()
        const type = await reader.number()
        await reader.skipString()
        await this.#fields()
        await reader.number()
        if (type === BUILD_ACTIVITY) onBuild()
      } else if (message === MESSAGE.result) {
        await reader.number()
        await reader.number()
        await this.#fields()
      } else throw new NixFailed(`Nix said 0x${message.toString(16)}, which is unknown here`)
    }
  }

  async #fields(): Promise<void> {
    for (let left = await this.#reader.number(); left > 0; left--) {
      if ((await this.#reader.number()) === 0) await this.#reader.number()
      else await this.#reader.skipString()
    }
  }

  async #error(): Promise<string> {
    const reader = this.#reader
    await reader.skipString()
    await reader.number()
    await reader.skipString()
    const message = await reader.beginning(LONGEST_ERROR)
    await reader.number()
    for (let traces = await reader.number(); traces > 0; traces--) {
      await reader.number()
      await reader.skipString()
    }
    return stripVTControlCharacters(message)
  }

  /** As the reader's, but when Nix has ended, with its last words. */
  async #number(): Promise<number> {
    try {
      return await this.#reader.number()
    } catch (error) {
      if (!(error instanceof NixFailed)) throw error
      await this.ended()
      throw new NixFailed(`nix-daemon --stdio broke down: ${this.#words || error.message}`)
    }
  }

  #send(...values: Buffer[]): void {
    this.#process.stdin?.write(Buffer.concat(values))
  }
}
