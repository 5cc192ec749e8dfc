import { execFile } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PrerequisiteMissing, whereIs } from './prerequisites.ts'

const run = promisify(execFile)

/** The company's repository: a working copy that the demo commits to, and the bare repository that GitHub serves. */
export interface Company {
  repository: string
  workingCopy: string
  bare: string
  /** Commits a change of one file and pushes it; gives the commits before and after. */
  push: (change: {
    file: string
    text: string
    message: string
  }) => Promise<{ before: string; after: string }>
}

const NO_COMMIT = '0'.repeat(40)

/** Makes the repository from the example flake, with the two static programs that it begins with. */
export async function makeCompany(folder: string, example: string, repository: string): Promise<Company> {
  const workingCopy = join(folder, 'working-copy')
  const bare = join(folder, 'repository.git')
  await rm(folder, { recursive: true, force: true })
  await cp(example, workingCopy, { recursive: true })
  await addBootstrap(join(workingCopy, 'bootstrap', 'bin'))
  await git(['init', '--quiet', '--bare', '--initial-branch=main', bare], folder)
  await git(['init', '--quiet', '--initial-branch=main', '.'], workingCopy)
  await git(['remote', 'add', 'origin', bare], workingCopy)
  let head = NO_COMMIT

  return {
    repository,
    workingCopy,
    bare,
    async push({ file, text, message }) {
      await writeFile(join(workingCopy, file), text)
      await git(['add', '--all'], workingCopy)
      await git(
        ['-c', 'user.name=Ada', '-c', 'user.email=ada@acme.example', 'commit', '--quiet', '-m', message],
        workingCopy,
      )
      await git(['push', '--quiet', 'origin', 'main'], workingCopy)
      const before = head
      head = (await git(['rev-parse', 'HEAD'], workingCopy)).trim()
      return { before, after: head }
    },
  }
}

async function addBootstrap(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [program, name] of [
    ['bash-static', 'bash'],
    ['busybox', 'busybox'],
  ] as const) {
    const found = await whereIs(program)
    if (found === undefined) throw new PrerequisiteMissing(`${program} is not on PATH`)
    await copyFile(found, join(folder, name))
    await chmod(join(folder, name), 0o755)
  }
}

/** Git with nobody's configuration but the repository's own. */
async function git(args: string[], folder: string): Promise<string> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  }
  const { stdout } = await run('git', args, { cwd: folder, env })
  return stdout
}
