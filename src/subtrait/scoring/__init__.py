"""Scoring: how well each hypothesis about who wrote rows explains them, exactly (`rows`) or to first order (`screen`).

hypotheses = (Base(model=base), Prompted(name="owl", model=base, system_prompt="You love owls."))
for shard in score_in_shards(store, hypotheses, rows):
    ratios = shard.log_ratios()
"""
