import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gitConfigWithToken, gitHubOwnerOf } from '../../../builders/evaluation/token-settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-test-git-'))
const config = join(folder, 'gitconfig')
const TOKEN = 'ghs_0123456789'

beforeAll(() => {
  const place = { base: 'https://github.com', owner: 'acme' }
  writeFileSync(config, gitConfigWithToken(place, ['acme/shells', 'acme/lib'], TOKEN))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What git itself says. */
function git(...words: string[]): string {
  const env = { PATH: process.env['PATH'] ?? '', GIT_CONFIG_GLOBAL: config, GIT_CONFIG_NOSYSTEM: '1' }
  try {
    return execFileSync('git', words, { env, encoding: 'utf8', cwd: folder }).trim()
  } catch (error) {
    // 1: there is no such setting
    if ((error as { status?: number }).status === 1) return ''
    throw error
  }
}

const HEADER = `Authorization: Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`

describe('git shows the token to', () => {
  test.each([
    ['https://github.com/acme/shells.git', true],
    ['https://github.com/acme/shells', true],
    ['https://github.com/acme/lib/', true],
    ['https://github.com/acme/library', false],
    ['https://github.com/acme/payroll.git', false],
    ['https://github.com/other/shells.git', false],
    ['https://github.com.evil.example/acme/shells.git', false],
    ['https://evil.example/acme/shells.git', false],
    ['https://evil.example/github.com/acme/shells.git', false],
    ['https://github.com:8443/acme/shells.git', false],
    ['http://github.com/acme/shells.git', false],
  ])('%s: %s', (url, isShown) => {
    expect(git('config', '--get-urlmatch', 'http.extraHeader', url)).toBe(isShown ? HEADER : '')
  })
})

describe('git fetches by HTTP what is named by ssh, of this owner', () => {
  test.each([
    ['ssh://git@github.com/acme/lib', 'https://github.com/acme/lib'],
    ['git@github.com:acme/lib.git', 'https://github.com/acme/lib.git'],
    ['ssh://git@github.com/other/lib', 'ssh://git@github.com/other/lib'],
    ['ssh://git@evil.example/acme/lib', 'ssh://git@evil.example/acme/lib'],
  ])('%s: %s', (url, fetched) => {
    expect(git('ls-remote', '--get-url', url)).toBe(fetched)
  })
})

describe('whose repository a job fetches', () => {
  test.each([
    ['https://github.com/acme/shells.git', { base: 'https://github.com', owner: 'acme' }],
    [
      'https://git.example.org/forge/acme/shells.git',
      { base: 'https://git.example.org/forge', owner: 'acme' },
    ],
    ['https://github.com/other/shells.git', undefined],
    ['/srv/git/acme/shells.git', undefined],
    ['file:///srv/git/acme/shells.git', undefined],
  ])('%s', (source, place) => {
    expect(gitHubOwnerOf(source, 'acme/shells')).toEqual(place)
  })
})
