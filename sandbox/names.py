"""Plausible Chinese names, and userids that read like them."""

import random

_SURNAMES = (
    "王wang72 李li71 张zhang68 刘liu54 陈chen45 杨yang31 赵zhao23 黄huang22 周zhou20 吴wu20 徐xu17 孙sun15 "
    "胡hu13 朱zhu12 高gao12 林lin11 何he11 郭guo11 马ma10 罗luo9 梁liang9 宋song8 郑zheng8 谢xie7 韩han7 "
    "唐tang7 冯feng6 于yu6 董dong6 萧xiao6 程cheng6 曹cao6 袁yuan5 邓deng5 许xu5 傅fu5 沈shen5 曾zeng5 "
    "彭peng5 吕lv5 苏su4 卢lu4 蒋jiang4 蔡cai4 贾jia4 丁ding4 魏wei4 薛xue4 叶ye4 阎yan4 余yu3 潘pan3 "
    "杜du3 戴dai3 夏xia3 钟zhong3 汪wang3 田tian3 任ren3 姜jiang3 范fan3 方fang3 石shi3 姚yao3 谭tan3 "
    "廖liao3 邹zou3 熊xiong3 金jin3 陆lu3 郝hao3 孔kong3 白bai2 崔cui2 康kang2 毛mao2 邱qiu2 秦qin2 欧阳ouyang1"
)
_MALE = (
    "伟wei 强qiang 磊lei 军jun 洋yang 勇yong 杰jie 涛tao 超chao 明ming 刚gang 平ping 辉hui 鹏peng 华hua 飞fei "
    "鑫xin 波bo 斌bin 宇yu 浩hao 凯kai 健jian 俊jun 帆fan 帅shuai 旭xu 宁ning 龙long 林lin 东dong 晨chen "
    "博bo 志zhi 海hai 峰feng 松song 阳yang 毅yi 昊hao 然ran 轩xuan 哲zhe 航hang 诚cheng 泽ze 子zi 一yi"
)
_FEMALE = (
    "芳fang 娜na 敏min 静jing 丽li 艳yan 娟juan 霞xia 秀xiu 燕yan 玲ling 桂gui 红hong 婷ting 雪xue 慧hui 莹ying "
    "颖ying 倩qian 洁jie 琳lin 璐lu 佳jia 欣xin 怡yi 雯wen 萍ping 梅mei 丹dan 兰lan 晶jing 蕾lei 妍yan 涵han "
    "悦yue 思si 文wen 梦meng 语yu 瑶yao 蓉rong 薇wei 菲fei 宁ning 安an 若ruo 诗shi 清qing"
)


def _pairs(table: str) -> list[tuple[str, str]]:
    """Split "伟wei" into the character and its pinyin."""
    pairs = []
    for word in table.split():
        hanzi = "".join(c for c in word if not c.isascii())
        pairs.append((hanzi, word[len(hanzi) :]))
    return pairs


class NameGenerator:
    """Endless distinct (name, userid, gender): 张伟 is zhangwei, the next one zhangwei2."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng
        weighted = _pairs(_SURNAMES)
        self._surnames = [(hanzi, tail.rstrip("0123456789")) for hanzi, tail in weighted]
        weights = [int(tail.lstrip("abcdefghijklmnopqrstuvwxyz")) for _, tail in weighted]
        self._cumulative = [sum(weights[: i + 1]) for i in range(len(weights))]
        self._given = {"1": _pairs(_MALE), "2": _pairs(_FEMALE)}
        self._taken: dict[str, int] = {}

    def next(self) -> tuple[str, str, str]:
        rng = self._random
        surname, surname_pinyin = rng.choices(self._surnames, cum_weights=self._cumulative)[0]
        gender = "1" if rng.random() < 0.52 else "2"  # noqa: PLR2004 - the share of men at work
        given = [rng.choice(self._given[gender]) for _ in range(1 if rng.random() < 0.3 else 2)]  # noqa: PLR2004
        name = surname + "".join(hanzi for hanzi, _ in given)
        return name, self._unique(surname_pinyin + "".join(pinyin for _, pinyin in given)), gender

    def _unique(self, base: str) -> str:
        count = self._taken.get(base, 0) + 1
        self._taken[base] = count
        return base if count == 1 else f"{base}{count}"
