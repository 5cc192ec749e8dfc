import { describe, expect, test } from 'vitest'
import { expectedSeconds } from '../../../../functions/plan/expected-seconds.ts'
import { fromBaseName } from '../../../../nix/store-path.ts'

const linux = 'x86_64-linux'
const mac = 'aarch64-darwin'

function expected(name: string, samples: [system: string, seconds: number][] = [], isFixed = false): number {
  return expectedSeconds(
    samples.map(([system, seconds]) => ({ system, seconds })),
    {
      drvPath: fromBaseName(`${'0'.repeat(32)}-${name}.drv`),
      system: linux,
      ...(isFixed ? { fixedOutput: { method: 'flat', algorithm: 'sha256', hash: '0'.repeat(64) } } : {}),
    },
  )
}

describe('what was recorded', () => {
  test.each<[string, [string, number][], number]>([
    ['one build', [[linux, 70]], 70],
    [
      'the middle of three',
      [
        [linux, 70],
        [linux, 9000],
        [linux, 80],
      ],
      80,
    ],
    [
      'between the middle two',
      [
        [linux, 10],
        [linux, 20],
        [linux, 30],
        [linux, 1000],
      ],
      25,
    ],
    [
      'its own system before others',
      [
        [mac, 500],
        [mac, 600],
        [linux, 70],
      ],
      70,
    ],
    [
      'others when its own has none',
      [
        [mac, 500],
        [mac, 700],
      ],
      600,
    ],
    ['although its name says more', [[linux, 0.5]], 0.5],
  ])('%s', (_, samples, seconds) => {
    expect(expected('ghc-9.6.3', samples)).toBe(seconds)
  })
})

describe('what nobody has built yet', () => {
  test.each([
    ['ghc-9.6.3', 5400],
    ['llvm-17.0.6', 5400],
    ['rustc-1.75.0', 5400],
    ['gcc-13.2.0', 1800],
    ['chromium-unwrapped-120.0.1', 10_800],
    ['python3-3.11.6', 300],
    ['gcc-wrapper-13.2.0', 3],
    ['fix-build.patch', 3],
    ['hello-2.12.1', 45],
    ['gccgo-13', 45],
  ])('%s', (name, seconds) => {
    expect(expected(name)).toBe(seconds)
  })

  test('a download, whatever it is called', () => {
    expect(expected('chromium-120.0.1.tar.xz', [], true)).toBe(10)
  })
})
