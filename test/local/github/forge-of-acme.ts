import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { request as octokit } from '@octokit/request'
import { onTestFinished } from 'vitest'
import {
  createGitHub,
  type GitHub,
  type GitHubOptions,
  type Repository,
} from '../../../local/github/github.ts'
import { temporaryFolder } from '../stack/test-stack.ts'

/** Not the synchronous form: the server that git speaks to is in this process. */
export async function git(folder: string, ...words: string[]): Promise<string> {
  const identity = ['user.name=Ada', 'user.email=ada@example.org', 'init.defaultBranch=main']
  // never asks for a password
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0' }
  const { stdout } = await promisify(execFile)(
    'git',
    [...identity.flatMap((setting) => ['-c', setting]), ...words],
    { cwd: folder, env },
  )
  return stdout.trim()
}

export async function commit(folder: string, file: string, text: string): Promise<string> {
  writeFileSync(join(folder, file), text)
  await git(folder, 'add', '-A')
  await git(folder, 'commit', '-qm', `${file}\n\nbody`)
  return git(folder, 'rev-parse', 'HEAD')
}

export interface Acme {
  github: GitHub
  /** of acme/shells, which is private */
  shells: Repository
  work: string
  folder: string
  first: string
  /** head of main */
  second: string
  /** as somebody with this token, or this JSON Web Token, or nobody */
  as: (token?: string) => typeof octokit
}

/** A GitHub with acme/shells, acme/inputs (both private), acme/open (public) and other/secret (private), all of the same commits. */
export async function acme(options: GitHubOptions = {}): Promise<Acme> {
  const folder = await temporaryFolder()
  const work = join(folder, 'work')
  mkdirSync(work)
  await git(work, 'init', '-q')
  const first = await commit(work, 'a', '1')
  const second = await commit(work, 'b', '2')
  await git(work, 'branch', 'feature/x', first)
  await git(work, 'tag', 'v1', first)
  await git(work, 'tag', '-a', 'v2', '-m', 'second release', second)
  const github = await createGitHub(options)
  onTestFinished(() => github.close())
  const shells = github.addRepository('acme/shells', work, { private: true })
  github.addRepository('acme/inputs', work, { private: true })
  github.addRepository('acme/open', work)
  github.addRepository('other/secret', work, { private: true })
  return {
    github,
    shells,
    work,
    folder,
    first,
    second,
    as: (token) =>
      octokit.defaults({
        baseUrl: github.url,
        owner: 'acme',
        repo: 'shells',
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      }),
  }
}
