import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificate } from '../../../local/github/certificate.ts'
import { passForGitHubCom } from '../../../local/github/github-com.ts'
import { temporaryFolder } from '../stack/test-stack.ts'
import { tokenOf } from './app-token.ts'
import { acme, type Acme, commit, git } from './forge-of-acme.ts'

interface Company extends Acme {
  token: string
  /** runs a program that takes this GitHub for github.com */
  run: (program: string, words: string[], settings?: string) => Promise<string>
}

/** acme/shells and acme/open are flakes, on what passes for github.com. */
async function company(): Promise<Company> {
  const folder = await temporaryFolder()
  const certificate = await makeCertificate(folder)
  const world = await acme({ tls: certificate })
  await commit(world.work, 'flake.nix', '{ outputs = _: { x = "warm"; }; }')
  const app = world.github.createApp({ owner: 'acme', permissions: { contents: 'read' } })
  const { id } = app.install('acme', 'all')
  const gitHubCom = await passForGitHubCom(world.github, certificate)
  onTestFinished(() => gitHubCom.close())
  return {
    ...world,
    token: await tokenOf(world, app, id, { repositories: ['shells'], permissions: { contents: 'read' } }),
    async run(program, words, settings = '') {
      const { stdout } = await promisify(execFile)(program, words, {
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          GIT_TERMINAL_PROMPT: '0',
          NIX_CONFIG: `experimental-features = nix-command flakes\nflake-registry =\n${settings}`,
          ...gitHubCom.environment,
        },
        cwd: folder,
      })
      return stdout.trim()
    },
  }
}

describe('a flake of github.com', () => {
  const evaluate = (flake: string, folder: string): string[] => [
    '--store',
    join(folder, 'store'),
    'eval',
    '--raw',
    `${flake}#x`,
  ]

  test('that is private, with the token that Nix is given', async () => {
    const { run, token, github, folder } = await company()
    const settings = `access-tokens = github.com=${token}`
    expect(await run('nix', evaluate('github:acme/shells/main', folder), settings)).toBe('warm')
    const asked = github.calls
      .filter(({ caller }) => caller.kind !== 'app')
      .map(({ path, caller, status }) => [path.replace(/[0-9a-f]{40}/, '…'), caller.kind, status])
    expect(asked).toEqual([
      ['/repos/acme/shells/commits/main', 'installation', 200],
      ['/repos/acme/shells/tarball/…', 'installation', 302],
      ['/_codeload/acme/shells/legacy.tar.gz/…', 'anonymous', 200],
    ])
  })

  test('that is public, with no token', async () => {
    const { run, folder } = await company()
    expect(await run('nix', evaluate('github:acme/open/main', folder))).toBe('warm')
  })

  test('that is private, with no token, is not found', async () => {
    const { run, folder } = await company()
    await expect(run('nix', evaluate('github:acme/shells/main', folder))).rejects.toThrow(/HTTP error 404/)
  })
})

describe('git of github.com', () => {
  test('clones what is private, with a token', async () => {
    const { run, token, work, folder } = await company()
    const url = `https://x-access-token:${token}@github.com/acme/shells.git`
    await run('git', ['clone', '-q', url, join(folder, 'clone')])
    expect(await git(join(folder, 'clone'), 'rev-parse', 'HEAD')).toBe(await git(work, 'rev-parse', 'HEAD'))
  })

  test('reaches nothing else', async () => {
    const { run } = await company()
    await expect(run('git', ['ls-remote', 'https://example.org/a.git'])).rejects.toThrow(/403/)
  })
})
