"""The exercises: every right answer passes, every wrong one fails in words, and no answer makes a check raise."""

import contextlib
import heapq
import io
import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest
import torch

from nbcode.exercises import ALL, check
from nbcode.exercises.frame import Check

SEEDS = range(3)


def slope_by_autograd(x, w, b):
    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    (w * at + b).square().backward()
    return at.grad.item()


def shape_by_torch(a, b):
    try:
        return tuple(torch.broadcast_shapes(a, b))
    except RuntimeError:
        return "does not fit"


def distance_by_geometry(x, w, b):
    """The length of the way to the foot point, and on which side it lies."""
    return [
        math.copysign(math.dist(point, (point - ((point @ w + b) / (w @ w)) * w).tolist()), point @ w + b)
        for point in x
    ]


def step_by_cases(w, b, x, y):
    fires = math.fsum((w * x).tolist()) + b > 0
    if fires and y == 0:
        return w - x, b - 1
    if not fires and y == 1:
        return w + x, b + 1
    return w, b


def batches_by_popping(order, size):
    left, batches = list(order), []
    while left:
        batches.append([left.pop(0) for _ in range(min(size, len(left)))])
    return batches


def standardized_by_columns(train, test):
    def column(values, like):
        mean = sum(like) / len(like)
        spread = math.sqrt(sum((v - mean) ** 2 for v in like) / (len(like) - 1))
        return [(v - mean) / spread for v in values]

    pairs = [(column(a, a), column(b, a)) for a, b in zip(train.T.tolist(), test.T.tolist(), strict=True)]
    return tuple(torch.tensor(list(part)).T for part in zip(*pairs, strict=True))


def line_by_torch(x, y, lr, epochs):
    model = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x[:, None]), y[:, None]).backward()
        optimizer.step()
    return model.weight.item(), model.bias.item()


def line_gradient_by_autograd(w, b, x, y):
    w, b = (torch.tensor(value, requires_grad=True) for value in (w, b))
    torch.nn.functional.mse_loss(w * x + b, y).backward()
    return w.grad, b.grad


def differences_by_closure(f, at, h):
    def along(place, t):
        return f([value + (t if k == place else 0) for k, value in enumerate(at)])

    return [(along(place, h) - along(place, -h)) / h / 2 for place in range(len(at))]


def stable_rate_by_power(hessian):
    return 2 / torch.linalg.matrix_norm(hessian.double(), 2).item()


def adam_by_torch(w, g, m, v, t, lr):
    parameter = torch.nn.Parameter(w.clone())
    optimizer = torch.optim.Adam([parameter], lr=lr)
    optimizer.state[parameter] = {"step": torch.tensor(t - 1.0), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
    parameter.grad = g.clone()
    optimizer.step()
    state = optimizer.state[parameter]
    return parameter.detach(), state["exp_avg"], state["exp_avg_sq"]


def convolve_by_torch(x, kernel, stride):
    return torch.nn.functional.conv1d(x[None, None], kernel[None, None], stride=stride)[0, 0]


def field_by_walking(layers):
    """From the one output down: which places of each layer's input it needs."""
    needed = {0}
    for kernel, stride, dilation in reversed(layers):
        needed = {place * stride + step * dilation for place in needed for step in range(kernel)}
    return max(needed) - min(needed) + 1


def mask_by_asking(padding):
    length = padding.shape[1]
    return [[[bool(row[s]) or s > t for s in range(length)] for t in range(length)] for row in padding]


def lstm_by_torch(x, h, c, weight_ih, weight_hh, bias):
    cell = torch.nn.LSTMCell(x.shape[1], h.shape[1])
    parameters = {"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias, "bias_hh": torch.zeros_like(bias)}
    cell.load_state_dict(parameters)
    return tuple(part.detach() for part in cell(x, (h, c)))


def leaky_by_autograd(x, leak):
    at = x.clone().requires_grad_()
    value = torch.nn.functional.leaky_relu(at, leak)
    value.sum().backward()
    return value.detach(), at.grad


def dropout_by_loop(x, kept, share, training):
    rows = zip(x.tolist(), kept.tolist(), strict=True)
    grown = [[v / (1 - share) if k else 0.0 for v, k in zip(*row, strict=True)] for row in rows]
    return torch.tensor(grown) if training else x


def silent_by_loop(batches):
    return [all(row[unit] <= 0 for batch in batches for row in batch.tolist()) for unit in range(batches[0].shape[1])]


def shifted_by_loop(target, padding):
    rows = target.tolist()
    reads = [[row[place] for place in range(len(row) - 1)] for row in rows]
    writes = [[row[place + 1] for place in range(len(row) - 1)] for row in rows]
    return reads, writes, [[token != padding for token in row] for row in writes]


def rate_by_cases(step, d_model, warmup):
    peak = 1 / math.sqrt(d_model * warmup)
    return peak * (step + 1) / warmup if step < warmup else peak * math.sqrt(warmup / (step + 1))


def smoothed_by_torch(logits, target, smoothing, padding):
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), target.flatten(), ignore_index=padding, label_smoothing=smoothing
    )


def greedy_by_recursion(next_logits, start, end, max_length):
    def rest(tokens):
        if tokens[-1] == end or len(tokens) > max_length:
            return []
        logits = next_logits(tokens).tolist()
        token = max(range(len(logits)), key=logits.__getitem__)
        return [token, *rest([*tokens, token])]

    return rest([start])


def beam_by_products(next_logits, start, end, max_length, width):
    """Probabilities multiplied, from plain Python's exponentials."""
    going, done = {(start,): 1.0}, {}
    while going and len(next(iter(going))) <= max_length:
        longer = {}
        for tokens, p in going.items():
            powers = [math.exp(logit) for logit in next_logits(list(tokens)).tolist()]
            longer |= {(*tokens, token): p * power / sum(powers) for token, power in enumerate(powers)}
        going = {tokens: longer[tokens] for tokens in heapq.nlargest(width - len(done), longer, key=longer.get)}
        done |= {tokens: going.pop(tokens) for tokens in list(going) if tokens[-1] == end}
    found = going | done
    return [list(tokens[1:]) for tokens in heapq.nlargest(width, found, key=found.get)]


def positions_by_loop(length, width):
    def entry(t, n):
        angle = t / 10_000 ** ((n - n % 2) / width)
        return math.cos(angle) if n % 2 else math.sin(angle)

    return torch.tensor([[entry(t, n) for n in range(width)] for t in range(length)])


def heads_by_torch(query, key, value, n_heads, hidden):
    """``nn.MultiheadAttention`` with matrices that change nothing."""
    width = query.shape[-1]
    layer = torch.nn.MultiheadAttention(width, n_heads, bias=False, batch_first=True)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.eye(width).repeat(3, 1))
        layer.out_proj.weight.copy_(torch.eye(width))
    return layer(query, key, value, attn_mask=hidden.repeat_interleave(n_heads, dim=0))[0].detach()


def decoder_place_by_place(y, memory, attention, cross_attention, network, norm):
    """Each place by itself, from those before it only: no mask is needed."""
    places = []
    for t in range(y.shape[1]):
        seen = norm(y[:, : t + 1])
        place = y[:, t : t + 1] + attention(seen[:, -1:], seen, seen)
        place = place + cross_attention(norm(place), memory, memory)
        places.append(place + network(norm(place)))
    return torch.cat(places, dim=1)


def count_by_building(d_model, d_ff, layers, vocabulary):
    with torch.device("meta"):
        kinds = (torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer)
        pair = [weight for kind in kinds for weight in kind(d_model, 1, d_ff).parameters()]
    return layers * sum(weight.numel() for weight in pair) + vocabulary * d_model


def wordpiece_by_recursion(word, vocabulary, mark=""):
    ends = [end for end in range(1, len(word) + 1) if mark + word[:end] in vocabulary]
    if not word or not ends:
        return ["[UNK]"] * bool(word)
    rest = wordpiece_by_recursion(word[max(ends) :], vocabulary, "##")
    return rest if rest == ["[UNK]"] else [mark + word[: max(ends)], *rest]


def mean_by_text(hidden, mask):
    return torch.stack([text[real.bool()].mean(dim=0) for text, real in zip(hidden, mask, strict=True)])


def head_by_asking(weight, bias, mean, spread):
    """The bias is what the probe says of zeros; a column of the weight is what one unit of a feature adds."""
    probe = torch.nn.functional.linear
    at_zero = probe(-mean / spread, weight, bias)
    units = torch.eye(len(mean))
    return torch.stack([probe((unit - mean) / spread, weight, bias) - at_zero for unit in units], dim=1), at_zero


def split_by_removing(groups, n_train):
    test = dict(enumerate(groups))
    for row in range(n_train):
        test = {place: group for place, group in test.items() if group != groups[row]}
    return list(range(n_train)), list(test)


def threshold_by_counting(confidence, right, wanted):
    pairs = list(zip(confidence.tolist(), right.tolist(), strict=True))
    found = [math.inf]
    for t, _ in pairs:
        passed = [hit for sure, hit in pairs if sure >= t]
        found += [t] * (sum(passed) >= wanted * len(passed))
    return min(found)


# Another right answer to each exercise, written in another way: what a check must let pass.
TWINS = {
    "center": lambda x: torch.stack([column - sum(column.tolist()) / len(column) for column in x.T], dim=1),
    "broadcast_shape": shape_by_torch,
    "matrix_product": lambda a, b: (torch.tensor(a) @ torch.tensor(b)).tolist(),
    "slope_of_square": slope_by_autograd,
    "weighted_sum": lambda x, w, b: [math.fsum((row * w).tolist()) + b for row in x],
    "distance_to_line": distance_by_geometry,
    "nand_gate": lambda: (-3, -2, 4),
    "perceptron_step": step_by_cases,
    "mse": torch.nn.functional.mse_loss,
    "batch_indices": batches_by_popping,
    "standardize": standardized_by_columns,
    "train_line": line_by_torch,
    "line_gradient": line_gradient_by_autograd,
    "numerical_gradient": differences_by_closure,
    "softmax": lambda logits: torch.softmax(logits, dim=-1),
    "stable_rate": stable_rate_by_power,
    "adam_step": adam_by_torch,
    "convolve_1d": convolve_by_torch,
    "receptive_field": field_by_walking,
    "joint_mask": mask_by_asking,
    "attention": torch.nn.functional.scaled_dot_product_attention,
    "lstm_step": lstm_by_torch,
    "leaky_relu": leaky_by_autograd,
    "weight_std": lambda fan_in, mean_square: (fan_in * mean_square) ** -0.5,
    "layer_norm": lambda x, scale, shift: torch.nn.functional.layer_norm(x, x.shape[-1:], scale, shift),
    "dropout": dropout_by_loop,
    "silent_units": silent_by_loop,
    "shifted": shifted_by_loop,
    "warmup_rate": rate_by_cases,
    "smoothed_loss": smoothed_by_torch,
    "greedy_search": greedy_by_recursion,
    "beam_search": beam_by_products,
    "positional_encoding": positions_by_loop,
    "split_heads": lambda x, n_heads: torch.stack(x.chunk(n_heads, dim=-1), dim=1),
    "multi_head": heads_by_torch,
    "decoder_layer": decoder_place_by_place,
    "count_parameters": count_by_building,
    "wordpiece": wordpiece_by_recursion,
    "mean_of_tokens": mean_by_text,
    "head_from_probe": head_by_asking,
    "split_by_date": split_by_removing,
    "threshold": threshold_by_counting,
    "xor_layers": lambda: ([[1, 1], [1, 1]], [-0.5, -1.5], [[1, -1]], [-0.5]),
}

MUTANTS = [
    pytest.param(exercise, mutant, id=f"{exercise.name}-{number}")
    for exercise in ALL
    for number, mutant in enumerate(exercise.mutants)
]
each_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.name)


@each_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_is_right(exercise, seed, capsys):
    verdict = exercise.check(exercise.solution, seed)
    assert verdict and verdict.status == "right"
    assert capsys.readouterr().out == f"✓ {exercise.name}: {verdict.message}\n"


@each_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_another_right_answer_is_right(exercise, seed):
    assert exercise.name in TWINS, "write a second right answer into TWINS: the solution alone proves nothing"
    verdict = exercise.check(TWINS[exercise.name], seed)
    assert verdict, verdict.message


@each_exercise
def test_the_source_that_the_page_shows_is_right_on_its_own(exercise):
    assert exercise.solution_source.startswith(f"def {exercise.name}(")
    names = {"torch": torch, "math": math}
    exec(exercise.solution_source, names)
    assert exercise.check(names[exercise.name], 0)


def stub_of(exercise):
    names = {}
    exec(exercise.stub, names)
    return names[exercise.name]


def raises_not_implemented(*arguments):
    raise NotImplementedError


@each_exercise
@pytest.mark.parametrize(
    "stub",
    [stub_of, lambda _: lambda *arguments: None, lambda _: lambda *arguments: ..., lambda _: raises_not_implemented],
    ids=["as given", "pass", "return ...", "NotImplementedError"],
)
def test_a_stub_is_not_written_yet(exercise, stub, capsys):
    verdict = exercise.check(stub(exercise))
    assert not verdict and verdict.status == "not written yet"
    assert capsys.readouterr().out.startswith(f"… {exercise.name}: not written yet")


@pytest.mark.parametrize(("exercise", "mutant"), MUTANTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutant_fails_with_its_own_message(exercise, mutant, seed, capsys):
    verdict = exercise.check(mutant.answer, seed)
    assert verdict.status == "wrong"
    assert verdict.message == mutant.says
    assert capsys.readouterr().out == f"✗ {exercise.name}: {mutant.says}\n"


@each_exercise
def test_there_are_three_mutants_at_least_with_messages_of_their_own(exercise):
    messages = [mutant.says for mutant in exercise.mutants]
    assert len(messages) >= 3
    assert len(set(messages)) == len(messages)
    assert all(len(message) > 20 for message in messages)


def raises(error):
    def answer(*arguments):
        raise error

    return answer


def always(value):
    return lambda *arguments: value


# Wrong answers that nobody listed, each made from the solution.
UNLISTED = {
    "a constant": lambda solution: always(0.123),
    "a whole number": lambda solution: always(1),
    "a huge number": lambda solution: always(10**400),
    "a complex number": lambda solution: always(1j),
    "not a number": lambda solution: always(math.nan),
    "a truth value": lambda solution: always(True),
    "a text": lambda solution: always("42"),
    "an empty list": lambda solution: always([]),
    "a list of texts": lambda solution: always(["a", "b"]),
    "a dictionary": lambda solution: always({"w": 1}),
    "a set": lambda solution: always({1, 2}),
    "a function": lambda solution: always(len),
    "a tensor of another shape": lambda solution: always(torch.zeros(7, 7, 7)),
    "an array": lambda solution: always(np.array([2, 3])),
    "a random number": lambda solution: lambda *arguments: random.random(),
    "a generator": lambda solution: lambda *arguments: (value for value in (1, 2)),
    "the result in a list": lambda solution: lambda *arguments: [solution(*arguments)],
    "an error of Python": lambda solution: raises(KeyError("w")),
    "an error of PyTorch": lambda solution: raises(RuntimeError("mat1 and mat2 shapes cannot be multiplied")),
    "too many parameters": lambda solution: lambda one, two, three, four, five: solution(one),
    "a built-in": lambda solution: int,
}


@each_exercise
@pytest.mark.parametrize("wrong", UNLISTED.values(), ids=UNLISTED)
def test_a_wrong_answer_that_nobody_listed_fails_in_words(exercise, wrong, capsys):
    for seed in SEEDS:
        verdict = exercise.check(wrong(exercise.solution), seed)
        assert verdict.status == "wrong"
        assert verdict.message and capsys.readouterr().out == f"✗ {exercise.name}: {verdict.message}\n"


@pytest.mark.parametrize(
    "value", [{"w": 1}, {1, 2}, 10**400, len], ids=["dictionary", "set", "huge number", "function"]
)
def test_an_answer_of_a_wrong_kind_is_not_told_that_it_is_random(value):
    told = {exercise.name: exercise.check(always(value), 0).message for exercise in ALL}
    assert not [name for name, message in told.items() if "two different results" in message]


@each_exercise
def test_a_random_answer_is_told_so(exercise):
    assert "two different results" in exercise.check(lambda *arguments: random.random(), 0).message


def shifted(result):
    """A result, a little wrong; nothing else comes near it."""
    if isinstance(result, (tuple, list)):
        return type(result)(shifted(part) for part in result)
    return result + ("s" if isinstance(result, str) else 0.001)


@pytest.mark.parametrize(
    "exercise", [exercise for exercise in ALL if exercise.name not in ("nand_gate", "xor_layers")], ids=lambda e: e.name
)
def test_an_answer_that_is_nearly_right_fails_with_the_case_and_both_results(exercise):
    verdict = exercise.check(lambda *arguments: shifted(exercise.solution(*arguments)), 0)
    assert verdict.status == "wrong"
    parameters = exercise.signature.removeprefix(exercise.name).strip("()").split(", ")
    assert all(f"{parameter}=" in verdict.message for parameter in parameters)
    assert "you return" in verdict.message and "expected" in verdict.message


@pytest.mark.parametrize("name", ["center", "slope_of_square", "weighted_sum", "distance_to_line"])
@pytest.mark.parametrize("dim", [0, -1])
def test_a_result_with_a_dimension_too_many_fails_with_both_shapes(name, dim):
    solution = getattr(check, name).exercise.solution
    verdict = getattr(check, name)(lambda *arguments: torch.as_tensor(solution(*arguments)).unsqueeze(dim), 0)
    assert verdict.status == "wrong" and "your result has shape" in verdict.message


@each_exercise
def test_an_error_is_shown_with_its_kind_and_words(exercise):
    verdict = exercise.check(raises(KeyError("weights")), 0)
    assert "KeyError" in verdict.message and "weights" in verdict.message


def changed_in_place(value):
    if isinstance(value, torch.Tensor):
        value.copy_(~value if value.dtype is torch.bool else value + 1)
    elif isinstance(value[0], list):
        value[0][0] += 1
    else:
        value[0] += 1


def changeable(exercise):
    return [
        place
        for place, value in enumerate(exercise.arguments(random.Random(0)))
        if isinstance(value, (torch.Tensor, list))
    ]


@pytest.mark.parametrize(
    ("exercise", "place"),
    [
        pytest.param(exercise, place, id=f"{exercise.name}-{place}")
        for exercise in ALL
        for place in changeable(exercise)
    ],
)
def test_a_right_answer_that_changes_its_argument_fails(exercise, place):
    def answer(*arguments):
        result = exercise.solution(*arguments)
        changed_in_place(arguments[place])
        return result

    verdict = exercise.check(answer, 0)
    assert verdict.status == "wrong" and "in place" in verdict.message


@each_exercise
@pytest.mark.parametrize(
    "not_a_function", [None, 3.0, (1.0, 2.0), torch.zeros(2)], ids=["None", "float", "tuple", "tensor"]
)
def test_a_result_instead_of_the_function_is_told_so(exercise, not_a_function):
    verdict = exercise.check(not_a_function)
    assert verdict.status == "wrong"
    assert "the function itself" in verdict.message and f"check.{exercise.name}({exercise.name})" in verdict.message


def test_an_answer_with_an_imaginary_part_is_wrong():
    assert check.slope_of_square(lambda x, w, b: complex(slope_by_autograd(x, w, b), 5), 0).status == "wrong"


def test_an_answer_that_is_half_written_and_half_wrong_does_not_raise():
    def answer(x, w, b):
        if b > 0:
            raise NotImplementedError
        return x.no_such_method()

    assert {check.weighted_sum(answer, seed).status for seed in range(8)} <= {"wrong", "not written yet"}


def test_a_result_on_another_device_does_not_raise():
    assert check.weighted_sum(lambda x, w, b: (x @ w + b).to("meta"), 0).status == "wrong"


def test_an_interruption_by_the_reader_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        check.center(raises(KeyboardInterrupt))


@pytest.mark.parametrize(
    "parameters",
    [(-1, -1), (-1, -1, "a"), (-1, -1, math.nan), (-1, -1, math.inf), (-1, -1, 10**400), 5, ((1, 2), 1, 1)],
    ids=["two", "a text", "nan", "infinity", "huge", "a number", "nested"],
)
def test_a_gate_needs_three_finite_numbers(parameters):
    verdict = check.nand_gate(always(parameters))
    assert verdict.status == "wrong" and "three finite numbers" in verdict.message


@pytest.mark.parametrize(
    "layers",
    [
        ([[1, 1]], [0], [[1]], [0]),
        ([[1, 1], [1, 1]], [0, 0], [[1, 1]]),
        ([[1, 1], [1, 10**400]], [0, 0], [[1, 1]], [0]),
        5,
        "abcd",
    ],
    ids=["one hidden neuron", "three parts", "huge", "a number", "a text"],
)
def test_layers_of_other_shapes_are_told_the_right_ones(layers):
    verdict = check.xor_layers(always(layers))
    assert verdict.status == "wrong" and "(2, 2), (2,), (1, 2) and (1,)" in verdict.message


def test_no_other_gate_passes_for_nand():
    found = {}  # every function of two inputs that one neuron can compute, found by trying small parameters
    for w1, w2, b in np.ndindex(5, 5, 16):
        neuron = (w1 - 2, w2 - 2, (b - 8) / 2)  # whole numbers too, where a sum is exactly 0 and the neuron silent
        table = tuple(neuron[0] * p + neuron[1] * q + neuron[2] > 0 for p in (0, 1) for q in (0, 1))
        found.setdefault((table, neuron[2] % 1), neuron)
    assert len({table for table, _ in found}) == 14  # all but XOR and its opposite
    for (table, _), neuron in found.items():
        assert bool(check.nand_gate(always(neuron))) == (table == (True, True, True, False))


@each_exercise
def test_without_a_seed_a_check_draws_new_cases(exercise):
    seen = []

    def answer(*arguments):
        seen.append(str([value for value in arguments if not callable(value)]))
        return exercise.solution(*arguments)

    exercise.check(answer, 1)
    first, seen[:] = list(seen), []
    exercise.check(answer, 1)
    assert seen == first
    if exercise.arguments(random.Random(0)):
        seen.clear()
        exercise.check(answer)
        assert seen != first
        assert len(set(seen)) > 10


@each_exercise
def test_an_exercise_says_what_to_do_for_how_long_and_gives_a_hint(exercise):
    assert exercise.difficulty in (1, 2, 3)
    assert 0 < exercise.minutes <= 60
    assert len(exercise.task) > 40 and len(exercise.hint) > 20
    assert exercise.name.isidentifier() and exercise.solution.__name__ == exercise.name
    assert exercise.signature.startswith(f"{exercise.name}(")


def test_a_chapter_has_three_to_five_exercises_with_names_of_their_own():
    per_chapter = Counter(exercise.chapter for exercise in ALL)
    assert all(3 <= count <= 5 for count in per_chapter.values()), per_chapter
    assert len({exercise.name for exercise in ALL}) == len(ALL)


@each_exercise
def test_check_finds_an_exercise_by_its_name_and_shows_its_task(exercise):
    bound = getattr(check, exercise.name)
    assert bound.exercise is exercise
    assert bound(exercise.solution)
    shown = bound._repr_markdown_()
    assert exercise.signature in shown and exercise.task in shown
    assert shown.index("<details>") < shown.index(exercise.hint) < shown.index("</details>")
    assert shown.count("★") == exercise.difficulty and f"{exercise.minutes} min" in shown


def test_check_lists_the_exercises_when_a_name_is_unknown():
    with pytest.raises(AttributeError) as refusal:
        check.weighted_sun  # noqa: B018
    assert all(name in str(refusal.value) for name in ["'weighted_sun'", *(exercise.name for exercise in ALL)])
    assert sorted(dir(check)) == sorted(exercise.name for exercise in ALL)
    assert not hasattr(check, "_repr_html_")
    assert dir(Check(ALL[:1])) == [ALL[0].name]


def test_a_verdict_shows_once_in_a_notebook():
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        verdict = ALL[0].check(ALL[0].solution)
        before = printed.getvalue()
        verdict._ipython_display_()
    assert before and printed.getvalue() == before


def test_an_answer_that_ends_python_is_a_wrong_answer():
    assert "SystemExit" in check.center(raises(SystemExit)).message


@pytest.mark.parametrize("name", ["broadcast_shape", "perceptron_step"])
def test_mutants_that_only_differ_in_rare_cases_never_pass_by_luck(name):
    exercise = next(exercise for exercise in ALL if exercise.name == name)
    for seed in range(25):
        assert not any(exercise.check(mutant.answer, seed) for mutant in exercise.mutants)


def test_the_network_of_the_chapter_is_not_another_one():
    of_the_chapter = ([[1, 1], [-1, -1]], [-0.5, 1.5], [[1, 1]], [-1.5])
    assert "find another one" in check.xor_layers(always(of_the_chapter)).message
    swapped = ([[-2, -2], [2, 2]], [3, -1], [[1, 1]], [-1.5])
    assert "find another one" in check.xor_layers(always(swapped)).message


def test_a_wrong_gate_is_told_its_first_wrong_corner():
    assert check.nand_gate(always((1, -1, 0.5))).message == "at (0, 1) the output is silent, and it should be firing"


def test_the_packages_own_functions_are_right_answers():
    from nbcode.training import loss

    assert check.mse(loss.mean_squared_error, 0) and check.softmax(loss.softmax, 0)


def test_the_packages_own_models_are_right_answers():
    from nbcode.models.convolution import convolve
    from nbcode.models.dot_product_attention import scaled_dot_product_attention
    from nbcode.models.masks import attention_mask
    from nbcode.models.receptive_field import receptive_field

    assert check.attention(lambda *three: scaled_dot_product_attention(*three)[0], 0)
    assert check.receptive_field(receptive_field, 0)
    assert check.joint_mask(lambda p: attention_mask((*p.shape, p.shape[1]), p, causal=True), 0)
    assert check.convolve_1d(
        lambda x, kernel, stride: convolve(x[None, None, None], kernel[None, None, None], stride=(1, stride))[0, 0, 0],
        0,
    )


def test_the_packages_own_schedule_is_a_right_answer():
    from nbcode.training.schedules import inverse_square_root

    assert check.warmup_rate(lambda step, d_model, warmup: inverse_square_root(d_model, warmup)(step), 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_searches_write_what_the_packages_own_write(seed):
    from nbcode import decoding
    from nbcode.data.vocabulary import END, START
    from nbcode.models.transformer import Transformer, TransformerConfig

    torch.manual_seed(seed)
    sizes = {"source_vocabulary": 6, "target_vocabulary": 6, "d_model": 8, "n_heads": 2, "d_ff": 8, "max_length": 8}
    model = Transformer(TransformerConfig(**sizes, encoder_layers=1, decoder_layers=1)).double().eval()
    torch.nn.init.normal_(model.output.weight)  # far from even, so that rounding decides nothing
    source = torch.tensor([[4, 3, 5]])

    @torch.no_grad()
    def next_logits(tokens):
        return model(source, torch.tensor([tokens]))[0, -1]

    greedy, beam = (getattr(check, name).exercise.solution for name in ("greedy_search", "beam_search"))
    [row] = decoding.greedy(model, source, 5).tolist()
    assert greedy(next_logits, START, END, 5) == row
    assert beam(next_logits, START, END, 5, 3) == [tokens for _, tokens in decoding.beam(model, source, 5, 3)]


def test_a_beam_as_wide_as_all_beginnings_finds_every_target_in_order():
    size, end, longest = 3, 2, 3
    next_logits, *_ = check.beam_search.exercise.arguments(random.Random(0))

    def of_three(tokens):
        return next_logits(tokens)[:size]

    def probability(tokens):
        steps = [of_three([1, *tokens[:place]]).softmax(dim=0)[token] for place, token in enumerate(tokens)]
        return math.prod(step.item() for step in steps)

    targets = [
        [*words, last]
        for length in range(longest)
        for words in itertools.product(set(range(size)) - {end}, repeat=length)
        for last in (range(size) if length == longest - 1 else [end])
    ]
    assert sum(map(probability, targets)) == pytest.approx(1)
    found = check.beam_search.exercise.solution(of_three, 1, end, longest, 100)
    assert found == sorted(targets, key=probability, reverse=True)


def test_a_beam_finds_what_greedy_misses():
    def next_logits(tokens):  # 1 start, 2 end, 3 begins well and goes on badly, 4 the other way round
        table = {(1,): [0, 0, 0, 0.6, 0.4], (1, 3): [0.3, 0, 0.3, 0.2, 0.2], (1, 4): [0, 0, 1, 0, 0]}
        return torch.tensor(table.get(tuple(tokens), [0, 0, 1, 0, 0]), dtype=torch.float64).log()

    assert check.greedy_search.exercise.solution(next_logits, 1, 2, 2)[0] == 3
    assert check.beam_search.exercise.solution(next_logits, 1, 2, 2, 2)[0] == [4, 2]


def test_the_packages_own_transformer_is_a_right_answer():
    from nbcode.exercises.transformer import decoder_layer
    from nbcode.models.parameter_count import parameter_counts
    from nbcode.models.positions import positions
    from nbcode.models.transformer import TransformerConfig
    from nbcode.models.transformer_layers import DecoderLayer, LayerConfig

    assert check.positional_encoding(positions, 0)

    def counted(d_model, d_ff, layers, vocabulary):
        sizes = {"encoder_layers": layers, "decoder_layers": layers, "d_model": d_model, "d_ff": d_ff, "n_heads": 1}
        config = TransformerConfig(source_vocabulary=vocabulary, target_vocabulary=vocabulary, **sizes)
        return sum(parameter_counts(config).values())

    assert check.count_parameters(counted, 0)
    layer = DecoderLayer(LayerConfig(d_model=6, n_heads=2, d_ff=8, dropout=0.0, norm_first=True))
    y, memory = torch.randn(2, 3, 6), torch.randn(2, 4, 6)
    parts = layer.attention, layer.cross_attention, layer.feed_forward
    ours = decoder_layer(y, memory, *parts, lambda x: torch.nn.functional.layer_norm(x, (6,)))
    torch.testing.assert_close(ours, layer(y, memory))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_word_is_spelled_as_the_packages_tokenizer_spells_it(seed):
    from nbcode.data.tokenizer_files import SPECIAL
    from nbcode.data.wordpiece import WordPiece

    assert check.wordpiece(lambda word, vocabulary: WordPiece([*SPECIAL, *vocabulary]).pieces(word), seed)


def test_the_packages_own_classifier_and_metrics_are_right_answers():
    from nbcode.models.text_classifier import mean_of_tokens
    from nbcode.training.metrics import coverage, threshold_for

    assert check.mean_of_tokens(mean_of_tokens, 0)

    def threshold(confidence, right, wanted):
        found = threshold_for(coverage(confidence, right), wanted)
        return found if found <= 1 else math.inf

    assert check.threshold(threshold, 0)


def test_a_head_begins_with_the_answers_of_scikit_learns_probe():
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, size=(60, 4)), np.arange(60) % 3
    scale = StandardScaler().fit(x)
    probe = LogisticRegression().fit(scale.transform(x), y)
    parts = map(torch.tensor, (probe.coef_, probe.intercept_, scale.mean_, scale.scale_))
    weight, bias = check.head_from_probe.exercise.solution(*parts)
    np.testing.assert_allclose(x @ weight.numpy().T + bias.numpy(), probe.decision_function(scale.transform(x)))


def test_a_split_by_date_leaks_neither_a_duplicate_nor_the_future():
    exercise = check.split_by_date.exercise
    for seed in range(20):
        groups, n_train = exercise.arguments(random.Random(seed))
        train, test = exercise.solution(groups, n_train)
        assert max(train) < min(test)
        assert not {groups[row] for row in train} & {groups[row] for row in test}
        dropped = set(range(len(groups))) - {*train, *test}
        assert dropped and all(groups[row] in groups[:n_train] for row in dropped)


@pytest.mark.parametrize("name", ["wordpiece", "split_by_date", "threshold"])
def test_a_mistake_that_changes_few_cases_never_passes_by_luck(name):
    exercise = getattr(check, name).exercise
    for seed in range(6):
        for mutant in exercise.mutants:
            assert exercise.check(mutant.answer, seed).message == mutant.says
