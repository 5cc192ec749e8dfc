import { beforeEach, describe, expect, test } from 'vitest'
import { findStagedEvaluation } from '../../../../functions/plan/staged-evaluation.ts'
import { Buckets } from '../buckets.ts'

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const PIN = {
  input: 'nixpkgs',
  repository: 'NixOS/nixpkgs',
  ref: 'nixos-24.05',
  rev: '6'.repeat(40),
  lastModified: 1,
}

/** What Plan takes of an evaluation with these pins. */
async function pinsOf(pins: unknown) {
  const target = { repository: 'acme/shells', ref: 'refs/heads/main', commit: '6'.repeat(40) }
  const evaluation = { version: 1, run: 'run-1', target, nixVersion: '2.8.0', shells: [], pins }
  buckets.put('staging/prefix/evaluation.json', evaluation)
  return (await findStagedEvaluation(buckets.bucket('staging'), 'prefix/', 'run-1'))?.pins
}

describe('pins of nixpkgs, for which nobody vouches', () => {
  test.each([
    ['all that one may say', [PIN]],
    ['the least', [{ input: 'haskellNix/nixpkgs-2405' }]],
    ['none', undefined],
  ])('%s', async (_, pins) => {
    expect(await pinsOf(pins)).toEqual(pins)
  })
  test.each([
    ['an input with markup', { ...PIN, input: '[nixpkgs](https://evil.example)' }],
    ['an input of many lines', { ...PIN, input: 'nixpkgs\n# Hearth was hacked' }],
    ['a branch without end', { ...PIN, ref: 'x'.repeat(201) }],
    ['a branch of other characters', { ...PIN, ref: '<script>' }],
    ['a repository that is none', { ...PIN, repository: 'nixpkgs' }],
    ['a revision that is none', { ...PIN, rev: 'HEAD' }],
    ['a date that is none', { ...PIN, lastModified: '2024' }],
    ['more than there is to say', { ...PIN, more: 'words' }],
  ])('%s is refused', async (_, pin) => {
    await expect(pinsOf([pin])).rejects.toMatchObject({ name: 'EvaluationRefused' })
  })
  test('more than a flake has are refused', async () => {
    await expect(pinsOf(Array.from({ length: 65 }, () => PIN))).rejects.toMatchObject({
      name: 'EvaluationRefused',
    })
  })
})
