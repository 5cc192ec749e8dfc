import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EvaluationTokenAnswer } from '../../functions/shared/contract.ts'
import type { EvaluationTask } from '../machine/job.ts'
import type { Redaction } from '../machine/redaction.ts'
import { adviseAccess } from './access-advice.ts'
import { askForToken, type TokenDesk } from './ask-for-token.ts'
import {
  basicOf,
  gitConfigWithToken,
  gitHubOwnerOf,
  type GitHubOwner,
  nixConfigWithToken,
} from './token-settings.ts'

interface Known {
  answer: EvaluationTokenAnswer | { why: string }
  /** variables that name the files with its token */
  files: Record<string, string>
}

interface AccessOptions {
  /** where tokens are; undefined where nobody gives any */
  desk: TokenDesk | undefined
  /** of the job: removed when it ends */
  folder: string
  redaction: Redaction
  say: (line: string) => void
  now?: () => number
}

// 10 minutes: what one process fetches has come by then; GitHub's tokens last an hour.
const SHORTEST_REST_SECONDS = 10 * 60
const LONGEST_REST_SECONDS = 50 * 60

// Somebody who waits for a password at a terminal waits for ever.
const NO_QUESTIONS = { GIT_TERMINAL_PROMPT: '0' }

/**
 * How one evaluation reads private repositories: with one token, which it asks for before it fetches anything, and again when that would not outlive the next
 * process. Where there is none it reads what everybody can read.
 */
export class RepositoryAccess {
  readonly #place: GitHubOwner | undefined
  readonly #target: string
  readonly #restSeconds: number
  readonly #options: AccessOptions
  #known: Known | undefined
  #asking: Promise<Known> | undefined

  constructor(job: Pick<EvaluationTask, 'source' | 'target' | 'limits'>, options: AccessOptions) {
    this.#target = job.target.repository
    this.#place = gitHubOwnerOf(job.source, job.target.repository)
    // A process may fetch its last input at its very end.
    this.#restSeconds = Math.min(
      Math.max(job.limits.secondsPerSystem, SHORTEST_REST_SECONDS),
      LONGEST_REST_SECONDS,
    )
    this.#options = options
  }

  /** What git and Nix must see in their environment to fetch with the token. It names files; it has no token. */
  async variables(): Promise<Record<string, string>> {
    const { files } = (await this.#current()) ?? {}
    return { ...NO_QUESTIONS, ...files }
  }

  /**
   * What to do about words of Nix or git, when they say that a repository may not be read.
   */
  advise(words: string): string | undefined {
    if (this.#place === undefined) return undefined
    return adviseAccess(words, {
      place: this.#place,
      target: this.#target,
      answer: this.#known?.answer,
    })
  }

  async #current(): Promise<Known | undefined> {
    const { desk } = this.#options
    const place = this.#place
    if (desk === undefined || place === undefined) return undefined
    if (this.#known !== undefined && this.#isGoodForLong(this.#known)) return this.#known
    // Systems are evaluated at once, and all of them ask.
    this.#asking ??= this.#ask(desk, place).finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  #isGoodForLong({ answer }: Known): boolean {
    if (!('expires' in answer) || answer.expires === undefined) return true
    const now = this.#options.now ?? Date.now
    return Date.parse(answer.expires) - this.#restSeconds * 1000 > now()
  }

  async #ask(desk: TokenDesk, place: GitHubOwner): Promise<Known> {
    const { say } = this.#options
    const answer = await askForToken(desk)
    const known: Known = { answer, files: {} }
    if ('why' in answer) say(`no token of GitHub: ${answer.why}`)
    else {
      for (const { why } of answer.unreachable) say(why)
      const { token, repositories } = answer
      if (token !== undefined) {
        known.files = await this.#writeFiles(place, repositories, token)
        say(`has a token of GitHub that reads ${repositories.join(', ')}`)
      }
    }
    this.#known = known
    return known
  }

  /**
   * Where git and Nix find the token. Not in their environment: `fetchurl` of `file:///proc/self/environ` puts that into the store, in pure evaluation too, and only
   * then compares its hash. Nobody can name these files: their folder has a random name, and pure evaluation lists nothing and sees no variable.
   */
  async #writeFiles(
    place: GitHubOwner,
    repositories: string[],
    token: string,
  ): Promise<Record<string, string>> {
    const { folder, redaction } = this.#options
    redaction.keep(token)
    redaction.keep(basicOf(token))
    const own = join(folder, `access-${randomBytes(16).toString('hex')}`)
    const [git, nix] = [join(own, 'gitconfig'), join(own, 'nix.conf')]
    await mkdir(own, { mode: 0o700 })
    await writeFile(git, gitConfigWithToken(place, repositories, token), { mode: 0o600 })
    await writeFile(nix, nixConfigWithToken(place, token), { mode: 0o600 })
    return { GIT_CONFIG_GLOBAL: git, NIX_USER_CONF_FILES: nix }
  }
}
