import { planFigure } from './plan-world.ts'

/** An upstream has everything, and nobody has asked it for a day. */
export const planUpstream = planFigure(
  'plan.upstream',
  'finding that nothing is missing of 5,000 paths in an upstream that nobody has asked before, against Nix’s dry run',
  1,
  { changed: 0, isRemembered: false, heldBy: 'an upstream' },
)
