import { nixConfig } from '../machine/nix-config.ts'
import { NixConnection } from './connection.ts'

// 2 s: to start a Nix costs 30 ms. One that lives longer keeps from being deleted whatever it has built or built upon.
const LIFETIME_MILLISECONDS = 2000

interface Idle {
  nix: NixConnection
  opened: number
}

/** Connections to Nix for builds that come one after the other. */
export class NixPool {
  readonly #environment: Record<string, string>
  readonly #options: Record<string, string>
  #idle: Idle[] = []
  #limits: Promise<{ cores: number; maxSilentSeconds: number }> | undefined

  /** @param options Nix's settings, by its own names */
  constructor(environment: Record<string, string>, options: Record<string, string>) {
    this.#environment = environment
    this.#options = options
  }

  /** Does something with a connection that nobody else uses meanwhile. */
  async use<T>(work: (nix: NixConnection) => Promise<T>): Promise<T> {
    const { nix, opened } = await this.#take()
    try {
      const result = await work(nix)
      this.#idle.push({ nix, opened })
      return result
    } catch (error) {
      nix.close()
      throw error
    }
  }

  /** Resolves when nothing is in use any more by connections that nobody uses. */
  async closeIdle(): Promise<void> {
    const idle = this.#idle
    this.#idle = []
    for (const { nix } of idle) nix.close()
    await Promise.all(idle.map(async ({ nix }) => nix.ended()))
  }

  async #take(): Promise<Idle> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (performance.now() - idle.opened < LIFETIME_MILLISECONDS) return idle
      idle.nix.close()
    }
    this.#limits ??= limitsOf(this.#environment)
    const nix = await NixConnection.open(this.#environment, {
      ...(await this.#limits),
      options: this.#options,
    })
    return { nix, opened: performance.now() }
  }
}

/** What Nix's configuration on this machine says of how builds are limited. */
async function limitsOf(
  environment: Record<string, string>,
): Promise<{ cores: number; maxSilentSeconds: number }> {
  const config = await nixConfig(environment)
  return {
    cores: Number(config['cores']?.value ?? 0),
    maxSilentSeconds: Number(config['max-silent-time']?.value ?? 0),
  }
}
