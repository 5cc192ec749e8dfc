import { describe, expect, test } from 'vitest'
import { attributesFor, configurationFor } from '../../../../functions/resolve/refusal.ts'
import { CONFIG } from './config.ts'

const input = (repository: string, ref: string) => ({ trigger: 'hand' as const, repository, ref })

describe('only what hearth.yml names is warmed', () => {
  test('a configured branch', () => {
    const configured = configurationFor(CONFIG, input('acme/shells', 'refs/heads/release/1.0'))
    expect(configured).toBe(CONFIG.repositories[0])
  })

  test('a repository that GitHub writes in capitals, which it takes for the same', () => {
    expect(configurationFor(CONFIG, input('Acme/Shells', 'refs/heads/main')).name).toBe('acme/shells')
  })
  test('a branch is not another one in capitals', () => {
    expect(() => configurationFor(CONFIG, input('acme/shells', 'refs/heads/Main'))).toThrow('refs/heads/Main')
  })

  const notAmong = 'is not among the repositories of hearth.yml: add it and run `hearth config push`'
  test.each([
    ['acme/unknown', 'refs/heads/main', `acme/unknown ${notAmong}`],
    ['acme/shells2', 'refs/heads/main', `acme/shells2 ${notAmong}`],
    [
      'acme/shells',
      'refs/heads/feature',
      'refs/heads/feature is not among the refs of acme/shells in hearth.yml (main, release/*, tag v*)',
    ],
    [
      'acme/shells',
      'refs/tags/main',
      'refs/tags/main is not among the refs of acme/shells in hearth.yml (main, release/*, tag v*)',
    ],
  ])('not %s %s', (repository, ref, message) => {
    expect(() => configurationFor(CONFIG, input(repository, ref))).toThrow(
      expect.objectContaining({ name: 'NotConfigured', message, retryable: false }) as Error,
    )
  })
})

describe('the attributes of a run', () => {
  const configured = {
    name: 'acme/shells',
    attributes: ['devShells'],
    systems: ['x86_64-linux', 'aarch64-linux'],
  }
  test.each([
    ['are those of hearth.yml', undefined, ['devShells']],
    ['or those that it asks for instead', ['packages.hello', 'shell.nix'], ['packages.hello', 'shell.nix']],
    ['for one system, too', ['packages.aarch64-linux.hello'], ['packages.aarch64-linux.hello']],
  ])('%s', (_, asked, expected) => {
    expect(attributesFor(configured, asked === undefined ? {} : { attributes: asked })).toEqual(expected)
  })
  test('those of a system that the repository is not kept warm for are named', () => {
    const attributes = ['packages.x86_64-darwin.hello', 'devShells', 'packages.aarch64-darwin.hello']
    expect(() => attributesFor(configured, { attributes })).toThrow(
      expect.objectContaining({
        name: 'InvalidRunInput',
        message:
          'attributes: packages.x86_64-darwin.hello, packages.aarch64-darwin.hello: hearth.yml has acme/shells for x86_64-linux, aarch64-linux alone',
      }) as Error,
    )
  })
})
