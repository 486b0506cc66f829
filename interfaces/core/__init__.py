"""What every other part agrees on: World, Observation, Step, spaces, rewards and clocks."""
