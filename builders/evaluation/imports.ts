import { stripVTControlCharacters } from 'node:util'
import type { DerivationOutputs } from '../../functions/shared/contract.ts'
import { isStorePath, type StorePath } from '../../nix/store-path.ts'
import { options } from '../machine/nix-command.ts'
import { importedDerivation } from '../machine/nix-errors.ts'
import type { EvaluationEnding } from './bounded-evaluation.ts'
import { findMaker } from './find-maker.ts'
import type { ImportCaches } from './import-caches.ts'

/** `again`: ask the same once more, it gets further now. Otherwise the outputs that no cache has, and without which there is no answer. */
export type Obstacle = 'again' | { needs: DerivationOutputs }

/**
 * Import-from-derivation in the evaluations of one system. They begin without it, which is what most sources need, and tells the first that does need it in
 * every version of Nix. From then on it is allowed, but nothing is built and nothing fetched by Nix itself: a process that lacks an output dies, the
 * output is fetched by its path, and the next process gets further.
 */
export class Imports {
  readonly #caches: ImportCaches
  #isAllowed = false
  #got: DerivationOutputs | undefined
  readonly #fetched = new Set<StorePath>()
  /** said by the process that runs now */
  #claimed: { drvPath: StorePath; outputs: string[] }[] = []
  #lacking = new Set<StorePath>()

  /** Arguments for `nix eval` that allow none, whatever the machine's nix.conf says. */
  static readonly none = options({ 'allow-import-from-derivation': 'false' })

  constructor(caches: ImportCaches) {
    this.#caches = caches
  }

  get areAllowed(): boolean {
    return this.#isAllowed
  }

  /** What was imported so far, by whatever was evaluated for this system; undefined when nothing was. */
  get got(): DerivationOutputs | undefined {
    return this.#got
  }

  /** Arguments for `nix eval`, when only its answer or its error matters. */
  get settings(): string[] {
    if (!this.#isAllowed) return Imports.none
    // What is imported is fetched by its path, not by Nix while it evaluates: before it gave up it would fetch everything that is needed to build it.
    return options({ 'allow-import-from-derivation': 'true', substituters: '' })
  }

  /** The same, for a process of which every line is given to `read`. */
  get watchedSettings(): string[] {
    if (!this.#isAllowed) return this.settings
    return [...this.settings, '--show-trace', '-vvv', ...options({ 'trace-import-from-derivation': 'true' })]
  }

  /** A process begins: what the one before said last belongs to nothing that succeeded. */
  begin(): void {
    this.#claimed = []
    this.#lacking = new Set()
  }

  /** Takes in a line of a process's standard error. */
  read(line: string): void {
    if (!this.#isAllowed) return
    const claim = importedOutputs(line)
    if (claim !== undefined) this.#claimed.push(claim)
    const path = contextPath(line)
    if (path !== undefined) this.#lacking.add(path)
  }

  /** What was said so far led to an answer: those imports were there. */
  confirm(): void {
    for (const { drvPath, outputs } of this.#claimed) this.#add(drvPath, outputs)
    this.#claimed = []
  }

  /**
   * What is to be done about a process that ended without an answer.
   * @returns undefined when imports are not the reason
   */
  async obstacle({ reason, stderr }: EvaluationEnding): Promise<Obstacle | undefined> {
    if (reason !== 'error') return undefined
    if (!this.#isAllowed) {
      if (importedDerivation(stderr) === undefined) return undefined
      this.#isAllowed = true
      return 'again'
    }
    const needs: DerivationOutputs = {}
    let hasCome = false
    for (const path of this.#lacking) {
      const made = await findMaker(path)
      if (made === undefined) continue
      const { drvPath, output } = made
      if (!(await this.#caches.fetch(path))) needs[drvPath] = [...(needs[drvPath] ?? []), output]
      else if (!this.#fetched.has(path)) hasCome = true
      this.#fetched.add(path)
    }
    if (Object.keys(needs).length > 0) return { needs }
    return hasCome ? 'again' : undefined
  }

  #add(drvPath: StorePath, outputs: string[]): void {
    const known = this.#got?.[drvPath] ?? []
    const all = [...new Set([...known, ...outputs])].toSorted()
    if (all.length > known.length) this.#got = { ...this.#got, [drvPath]: all }
  }
}

/**
 * The import that a line speaks of: 2.8 to 2.26 say at the verbosity of `-vvv` what they realise, whether or not it is there; newer ones have the setting
 * `trace-import-from-derivation`.
 */
export function importedOutputs(line: string): { drvPath: StorePath; outputs: string[] } | undefined {
  const [, drvPath = '', outputs = ''] =
    /(?:building of|built) '([^'!^]+\.drv)[!^]([^']+)'(?: from \.drv file: | during evaluation due to an import)/.exec(
      stripVTControlCharacters(line),
    ) ?? []
  return isStorePath(drvPath) ? { drvPath, outputs: outputs.split(',') } : undefined
}

/**
 * The store path that a line of `--show-trace` says was being imported. Same wording in 2.8 and newer. Source: Nix, src/libexpr/primops.cc, `realisePath`
 * and `addPath`.
 */
export function contextPath(line: string): StorePath | undefined {
  const [, path = ''] =
    /while (?:realising the context of|adding) path '(\/nix\/store\/[^/']+)/.exec(
      stripVTControlCharacters(line),
    ) ?? []
  return isStorePath(path) ? path : undefined
}
