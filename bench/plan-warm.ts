import { planFigure } from './plan-world.ts'

/** Nothing changed. */
export const planWarm = planFigure(
  'plan.warm',
  'finding that nothing is missing of 5,000 paths in our cache, against Nix’s dry run',
  30,
  { changed: 0, isRemembered: true, heldBy: 'our cache' },
)
