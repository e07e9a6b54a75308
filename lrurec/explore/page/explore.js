"use strict";
// The page of lrurec explore, from the JSON beside it: what explore::describe gives.

const data = read();
const model = new Model(data.config, data.weights);

document.getElementById("title").textContent = `Inside ${data.name}`;
document.getElementById("subtitle").textContent = `LRURec, step ${whole(data.step)} · ${whole(data.config.num_items)} items · ` +
  `${data.config.blocks} blocks of ${data.config.channels} complex channels · everything is computed on this page`;

const histories = new HistoryPlayground(model, data);
const eigenvalues = new EigenvaluePlayground(model, data.step, data.training, (block) => {
  if (histories.items.length === 0) return;
  // What the change does to the layer itself, before what it does to the ranking.
  histories.update();
  const lru = model.lru[block], now = histories.tokens.at(-1).blocks[block].output;
  const moved = lru.lambda;
  lru.lambda = lru.trained;
  const trained = model.run(histories.items).at(-1).blocks[block].output;
  lru.lambda = moved;
  const change = norm(now.map((v, i) => v - trained[i])) / (norm(trained) || 1);
  eigenvalues.output.textContent = `output of this layer at the last item: ${fixed(100 * change, 1)}% away from the trained one's`;
});
histories.chosen = (block, channel) => eigenvalues.select(block, channel);
scanSection();
histories.take(data.users[0].items);
finish();
