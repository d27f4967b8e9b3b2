"""The people of the simulated company: eight product managers and 45 colleagues who write. No one of them exists."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from nbcode.data.requirements.streams import Stream

# Code, name in English and in Chinese texts.
PMS = {
    "P1": ("Lin Tao", "林涛"),
    "P2": ("Chen Wei", "陈薇"),
    "P3": ("Zhao Min", "赵敏"),
    "P4": ("Sun Hao", "孙浩"),
    "P5": ("Wu Jing", "吴静"),
    "P6": ("He Lei", "何磊"),
    "P7": ("Gao Yan", "高妍"),
    "P8": ("Xu Peng", "许鹏"),
}
NAMES = (
    "Hu Ping 胡萍|Luo Gang 罗刚|Tang Yue 唐悦|Feng Kai 冯凯|Deng Li 邓丽|Cao Yang 曹阳|Peng Fei 彭飞|"
    "Zeng Rui 曾蕊|Xiao Lan 肖兰|Tian Bo 田波|Dong Xue 董雪|Pan Jun 潘军|Yuan Qing 袁清|Cai Ming 蔡明|"
    "Jiang Nan 蒋楠|Yu Fang 余芳|Du Heng 杜恒|Ye Zi 叶紫|Cheng Lu 程璐|Wei Dong 魏东|Su Mei 苏梅|"
    "Lü Chao 吕超|Ding Hui 丁慧|Ren Jie 任杰|Shen Lin 沈琳|Yao Bin 姚斌|Lu Han 卢涵|Jin Song 金松|"
    "Dai Wen 戴雯|Xia Tian 夏天|Fan Yu 范宇|Fu Rong 付蓉|Fang Zhi 方志|Shi Lei 石蕾|Xiong Wei 熊伟|"
    "Bai Ling 白玲|Meng Qi 孟琦|Qin Feng 秦峰|Qiu Shuang 邱爽|Hou Liang 侯亮|Jia Xin 贾欣|Zou Tong 邹彤|"
    "Xue Yi 薛毅|Lei Na 雷娜|Long Hai 龙海"
)
STYLES = {"terse": 22, "story": 22, "complaint": 18, "email": 16, "spec": 12, "chat": 10}
STORY_STYLES = ("complaint", "email", "chat")  # who passes a story on neither writes a specification nor a user story
TYPO_RATES = (0, 0, 0.008, 0.02, 0.06)  # of long words; two of five writers make none


@dataclass(frozen=True)
class Writer:
    """A colleague who writes requests.

    Attributes:
        names: in English and in Chinese texts.
        favorite: the style that this person writes in five times as often as others do.
        home: an area that this person writes about more often than others do.
        typos: how many words of a text go wrong.
        small: writes short messages without capitals.
    """

    names: tuple[str, str]
    favorite: str
    home: str
    typos: float
    small: bool

    def style(self, stream: Stream, story: bool) -> str:
        """The style of one request."""
        options = STORY_STYLES if story else tuple(STYLES)
        return stream.weighted(options, [STYLES[name] * (5 if name == self.favorite else 1) for name in options])


@functools.lru_cache(maxsize=16)
def writers(seed: int, areas: tuple[str, ...]) -> list[Writer]:
    """All who write, with habits that depend on the seed."""
    found = []
    for entry in NAMES.split("|"):
        english, chinese = entry.rsplit(" ", 1)
        found.append(
            Writer(
                (english, chinese),
                Stream(seed, english, "favorite").choice(tuple(STYLES)),
                Stream(seed, english, "home").choice(areas),
                Stream(seed, english, "typos").choice(TYPO_RATES),
                Stream(seed, english, "small").chance(0.25),
            )
        )
    return found
