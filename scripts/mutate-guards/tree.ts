import { execFile } from 'node:child_process'
import { cp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Cut } from './guard.ts'
import { run } from './run.ts'

/** What `npm run package` writes. */
const PACKAGED = ['.serverless', 'dist']

/** A copy of this working tree, in which guards are taken out. */
export class Tree {
  readonly folder: string
  /** whether what is packaged is the whole source, the copy of it beside the tree */
  #packaged: 'not' | 'whole' | 'cut' = 'not'

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Copies all files that git knows or would add, and links this tree's packages. */
  static async copy(folder: string): Promise<Tree> {
    const { stdout } = await promisify(execFile)(
      'git',
      ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
      { maxBuffer: 2 ** 26 },
    )
    for (const path of stdout.split('\0'))
      if (path !== '') await cp(path, join(folder, path)).catch(ignoreDeleted)
    await symlink(resolve('node_modules'), join(folder, 'node_modules'))
    return new Tree(folder)
  }

  /** How often the text of a guard stands in its file. */
  async count({ file, text }: Cut): Promise<number> {
    return (await readFile(join(this.folder, file), 'utf8')).split(text).length - 1
  }

  /** Does something in this tree without some guards, and puts them back. */
  async without<Result>(cuts: Cut[], work: () => Promise<Result>): Promise<Result> {
    const before = new Map<string, string>()
    try {
      for (const { file, text, without } of cuts) {
        const path = join(this.folder, file)
        const source = await readFile(path, 'utf8')
        if (!before.has(path)) before.set(path, source)
        await writeFile(
          path,
          source.replace(text, () => without),
        )
      }
      return await work()
    } finally {
      for (const [path, source] of before) await writeFile(path, source)
    }
  }

  /**
   * Packages what is deployed, once for the whole source.
   * @param isWhole whether no guard is taken out
   * @returns what the command said when it failed
   */
  async package(isWhole: boolean, signal: AbortSignal): Promise<string | undefined> {
    const aside = `${this.folder}-packaged`
    if (isWhole && this.#packaged !== 'not') {
      if (this.#packaged === 'cut') await this.#exchange(aside, this.folder)
      this.#packaged = 'whole'
      return undefined
    }
    const { status, said } = await run(this.folder, 'npm', ['run', '--silent', 'package'], signal)
    if (status !== 0) return said
    if (isWhole) await this.#exchange(this.folder, aside)
    this.#packaged = isWhole ? 'whole' : 'cut'
    return undefined
  }

  async #exchange(from: string, to: string): Promise<void> {
    for (const name of PACKAGED) {
      await rm(join(to, name), { recursive: true, force: true })
      await cp(join(from, name), join(to, name), { recursive: true })
    }
  }
}

/** A file that git knows and that was deleted here. */
function ignoreDeleted(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
